// What failed, why, and what a person does about it; all of it with links and forms.
import { expect, test } from '../fixtures.mjs';

const causes = (page) => page.getByRole('navigation', { name: 'Causes' }).getByRole('link');

test('the queue groups what failed by cause, with count and money', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await expect(page.getByRole('heading', { level: 1, name: 'Exceptions' })).toBeVisible();
  await expect(causes(page).nth(1)).toContainText(/[\d,.]+ ?[A-Z]{3}/);
  await expect(page.getByText('No one is needed for these')).toBeVisible();
  await expectAccessible();
});

test('a cause is chosen by a link, and a filter keeps it', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await causes(page).nth(1).click();
  await expect(page).toHaveURL(/cause=/);
  await expect(causes(page).nth(1)).toHaveAttribute('aria-current', 'true');
  const cause = new URL(page.url()).searchParams.get('cause');
  await page.getByLabel('Amount from').fill('0.01');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/amount=0\.01/);
  expect(new URL(page.url()).searchParams.get('cause')).toBe(cause);
  await expectAccessible();
});

test('what is ticked gets an owner, and the filter is still there', async ({ page, signIn, demo }) => {
  await signIn('controller');
  await page.goto('/exceptions?amount=0.01');
  const row = page.getByRole('row').filter({ has: page.getByRole('checkbox') }).first();
  const number = await row.getByRole('rowheader').getByRole('link').textContent();
  await row.getByRole('checkbox').check();
  await page.getByLabel(/New owner/).fill(demo.logins.controller.email);
  await page.getByRole('button', { name: 'Assign ticked' }).click();
  await expect(page).toHaveURL(/amount=0\.01/);
  await expect(page.getByRole('status').filter({ hasText: '1 assigned' })).toBeVisible();
  await expect(page.getByRole('row').filter({ hasText: number })).toContainText(demo.logins.controller.email);
});

test('nothing ticked is said, not done', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await page.getByRole('button', { name: 'Assign ticked' }).click();
  await expect(page.getByRole('alert')).toContainText('Choose at least one');
});

test('one exception shows the document, the answer and the ways out, and takes a note', async ({ page, signIn, expectAccessible, javaScriptEnabled }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await page.getByRole('rowheader').getByRole('link').first().click();
  if (javaScriptEnabled !== false) await page.getByRole('link', { name: 'Open as a page' }).click();
  await expect(page).toHaveURL(/\/exceptions\/[0-9a-f-]{36}/);
  await expect(page.getByRole('heading', { name: 'Resolve by hand' })).toBeVisible();
  await page.getByLabel('Comment').fill('Asked the product team.');
  await page.getByRole('button', { name: 'Add comment' }).click();
  await expect(page.getByText('Asked the product team.').first()).toBeVisible();
  await expectAccessible();
});

test('an executive reads, and is told why he may not act', async ({ page, signIn }) => {
  await signIn('executive');
  await page.goto('/exceptions');
  await expect(page.getByRole('button', { name: 'Replay ticked' })).toBeDisabled();
  await expect(page.getByText(/needs Controller or Operator role for/).first()).toBeVisible();
});

test('the select-all link works from the URL and says count and money', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await page.getByRole('link', { name: 'Tick all listed' }).click();
  await expect(page).toHaveURL(/select=all/);
  for (const box of await page.getByRole('checkbox').all()) await expect(box).toBeChecked();
  await expect(page.getByRole('status').filter({ hasText: / ticked$/ })).toContainText(/[A-Z]{3}/);
});

for (const [path, title, role] of [
  ['/approvals', 'Approvals', 'approver'],
  ['/mappings', 'Mappings', 'controller'],
  ['/connections', 'Connections', 'operator'],
]) {
  test(`${title} is readable`, async ({ page, signIn, expectAccessible }) => {
    await signIn(role);
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expectAccessible();
  });
}

test('a mapping is found by its code and opened for a change', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/mappings');
  await page.getByRole('navigation', { name: 'Connections' }).getByRole('link').last().click();
  const code = await page.getByRole('row').filter({ has: page.getByRole('link', { name: /^Change / }) }).first().getByRole('rowheader').textContent();
  await page.getByLabel('Code contains').fill(code);
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByRole('link', { name: `Change ${code}` }).first().click();
  await expect(page.getByLabel('Our code')).toHaveValue(code);
});
