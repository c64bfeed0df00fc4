import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '../fixtures.mjs';

const EXAMPLE = readFileSync(resolve(import.meta.dirname, '../../examples/invoice-batch.json'), 'utf8');
// a batch of its own per project, in a month that is open: the same batch is "here already" the second time
const month = new Date().toISOString().slice(0, 7);
const ownBatch = (name) =>
  EXAMPLE.replaceAll('2026-10-US-1', `E2E-${name}`)
    .replaceAll('2026-100', `${name}-`)
    .replaceAll('2026-0009', `${name}-9`)
    .replaceAll('2026-10-31', `${month}-01`)
    .replaceAll('2026-11-30', `${month}-28`)
    .replaceAll('2026-10', month);

test('what came in is accounted for, and every figure leads to its documents', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/batches');
  const matrix = page.getByRole('table').first();
  await expect(matrix.locator('.tie.is-ties').first()).toBeVisible();
  await expect(matrix.locator('.tie.is-off')).toHaveCount(0);
  // axe takes a link that scrolls under the sticky totals for a small one: let nothing scroll
  await page.setViewportSize({ width: 1440, height: 3600 });
  await expectAccessible();
  const figure = matrix.locator('td[data-label="Documents"] a').first();
  const count = Number(await figure.locator('data').getAttribute('value'));
  await figure.click();
  await expect(page).toHaveURL(/\/documents\?.*currency=/);
  await expect(page.locator('tbody tr')).toHaveCount(Math.min(count, 100));
  await expectAccessible();
});

test('from a batch to a stage to a document and its history', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/batches');
  await page.getByRole('table').nth(1).locator('tbody th a').first().click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Batch');
  await expect(page.getByRole('heading', { name: 'Control totals' })).toBeVisible();
  await expect(page.locator('.tie.is-off')).toHaveCount(0);
  await expectAccessible();
  await page.locator('td[data-label="Documents"] a').first().click();
  await page.locator('tbody th a').first().click();
  await expect(page.getByRole('heading', { name: 'What happened' })).toBeVisible();
  await expect(page.locator('.timeline li').first()).toContainText('imported with batch');
  await expectAccessible();
});

test('a figure of several stages leads to exactly its documents', async ({ page, signIn }) => {
  await signIn('controller');
  const row = page.getByRole('table', { name: /Where issued documents are/ }).getByRole('row').filter({ has: page.locator('td[data-label="Not yet confirmed"] a') }).first();
  const figure = (name) => row.locator(`td[data-label="${name}"] data`).getAttribute('value').then(Number);
  const open = (await figure('Issued')) - (await figure('Confirmed')) - (await figure('Resolved'));
  await row.locator('td[data-label="Not yet confirmed"] a').click();
  await expect(page.getByLabel('Stage')).toHaveValue('not_confirmed');
  await expect(page.locator('tbody tr')).toHaveCount(open);
  await expect(page.locator('tbody .badge').filter({ hasText: 'confirmed' })).toHaveCount(0);
});

test('filters stay in the address', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/documents?entity=US');
  await page.getByLabel('Stage').selectOption('confirmed');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/entity=US/);
  await expect(page).toHaveURL(/stage=confirmed/);
});

test('a controller uploads a batch; a wrong manifest is refused with its figure', async ({ page, signIn, expectAccessible }, { project }) => {
  const content = ownBatch(project.name.toUpperCase());
  const send = async (text) => {
    await page.goto('/batches/upload');
    await page.getByLabel('File').setInputFiles({ name: 'batch.json', mimeType: 'application/json', buffer: Buffer.from(text) });
    await page.getByRole('button', { name: 'Import' }).click();
  };
  await signIn('controller');
  await send(content.replace('"3290.00"', '"3290.01"'));
  await expect(page.getByRole('alert')).toContainText('refused');
  await expect(page.locator('tbody')).toContainText('3290.01');
  await expectAccessible();
  await send(content);
  await expect(page).toHaveURL(/\/batches\/[0-9a-f-]{36}/);
  await expect(page.getByRole('status').first()).toContainText('3 in = 3 accounted for');
  await expectAccessible();
});
