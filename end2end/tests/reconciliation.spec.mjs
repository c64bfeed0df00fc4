import { expect, test } from '../fixtures.mjs';

test('a controller sees what ties and finds the breaks behind a difference', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/reconciliation');
  const cells = page.getByRole('table', { name: /Issued against read back/ });
  await expect(cells).toBeVisible();
  for (const heading of ['Issued', 'In the ERP', 'Difference', 'Timing', 'Unreconciled']) {
    await expect(cells.getByRole('columnheader', { name: heading, exact: true })).toBeVisible();
  }
  await expectAccessible();
  const breaks = page.getByRole('table', { name: /Breaks, oldest first/ });
  await expect(breaks).toBeVisible();
  await page.getByLabel('What differs').selectOption('missing_left');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/kind=missing_left/);
  const kinds = breaks.getByRole('row').filter({ hasNot: page.getByRole('columnheader') });
  await expect(kinds.first()).toContainText('in the ERP only');
  await expect(kinds.filter({ hasNotText: 'in the ERP only' })).toHaveCount(0);
});

test('a figure of the matrix leads to its breaks', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/reconciliation');
  const off = page.getByRole('table', { name: /Issued against read back/ }).getByRole('row').filter({ hasText: 'off by' }).first();
  await off.getByRole('rowheader').getByRole('link').click();
  await expect(page).toHaveURL(/currency=[A-Z]{3}&checkpoint=3#breaks$/);
});

test('the five checkpoints stand side by side, one without data never ties, and settled against applied speaks its own words', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/reconciliation');
  const checkpoints = page.getByRole('navigation', { name: 'Checkpoints' }).getByRole('link');
  await expect(checkpoints).toHaveCount(5);
  await expect(checkpoints.filter({ hasText: 'captured → rated' })).toContainText('no data yet');
  await checkpoints.filter({ hasText: 'settled → applied' }).click();
  await expect(page).toHaveURL(/checkpoint=4/);
  await expect(checkpoints.filter({ hasText: 'settled → applied' })).toHaveAttribute('aria-current', 'page');
  const cells = page.getByRole('table', { name: /Settled against applied/ });
  for (const heading of ['Settled', 'Applied', 'Difference', 'Timing', 'Unreconciled']) {
    await expect(cells.getByRole('columnheader', { name: heading, exact: true })).toBeVisible();
  }
  await expectAccessible();
  await checkpoints.filter({ hasText: 'subledger → general ledger' }).click();
  await expect(page.getByText('Nothing to compare')).toBeVisible();
});

test('a controller limits how long money may wait, and an executive may not', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/reconciliation?entity=US&checkpoint=4');
  await page.getByLabel('At most, hours').fill('240');
  await page.getByRole('button', { name: 'Set the limit' }).click();
  await expect(page.getByRole('table', { name: /How long is normal/ })).toContainText('at most 10 d');
  await page.context().clearCookies();
  await signIn('executive');
  await page.goto('/reconciliation?entity=US&checkpoint=4');
  await expect(page.getByRole('button', { name: 'Set the limit' })).toBeDisabled();
});

test('reading back now is put into the queue, and an executive may not', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/reconciliation');
  await page.getByRole('button', { name: 'Read back and compare now' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'is read back and compared' })).toBeVisible();
  await page.context().clearCookies();
  await signIn('executive');
  await page.goto('/reconciliation');
  await expect(page.getByRole('button', { name: 'Read back and compare now' })).toBeDisabled();
});

test('home begins with five figures, each a link, and a chart with its figures', async ({ page, signIn, expectAccessible }) => {
  await signIn('executive');
  await page.goto('/');
  const figures = page.getByRole('region', { name: 'Key figures' }).getByRole('link');
  await expect(figures).toHaveCount(5);
  await expect(page.getByRole('img', { name: /Documents by day/ }).first()).toBeVisible();
  await page.getByText('The figures as a table').click();
  await expect(page.getByRole('columnheader', { name: 'Confirmed' }).first()).toBeVisible();
  await expectAccessible();
  await figures.filter({ hasText: 'Amount in exception' }).click();
  await expect(page).toHaveURL(/\/exceptions/);
});
