// Bank statements: proved by their own balances, decided by a second person when they are not.
import { expect, test } from '../fixtures.mjs';
import { handOver, statement } from '../statement.mjs';

test('from the accounts to a statement whose lines add up', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/accounts');
  await expect(page.getByRole('table', { name: /Bank accounts/ })).toContainText('Operating, First Harbor');
  await expectAccessible();
  await page.getByRole('link', { name: 'Geschäftskonto' }).click();
  const statements = page.getByRole('table', { name: /Statements/ });
  await expect(statements.locator('.tie.is-off')).toHaveCount(0);
  await expectAccessible();
  await statements.locator('tbody th a').first().click();
  await expect(page.getByRole('table', { name: /Proof/ })).toContainText('adds up');
  await expect(page.getByRole('table', { name: /Lines/ }).locator('tbody tr').first()).toBeVisible();
  await expectAccessible();
});

test('a statement that does not add up is taken by a second person, with a reason', async ({ page, signIn, expectAccessible }, { project }) => {
  const day = project.name === 'js' ? '320103' : '330103';
  await signIn('controller');
  await handOver(page, statement({ day, closing: 160000 }));
  await expect(page).toHaveURL(/\/cash\/statements\//);
  const at = page.url();
  await expect(page.getByText('This statement waits for a second person')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Take it as it is' })).toBeDisabled();
  await expectAccessible();
  await page.context().clearCookies();
  await signIn('approver');
  await page.goto('/cash/accounts');
  await expect(page.getByRole('table', { name: /Waiting for a second person/ })).toContainText('Canada, First Harbor');
  await page.goto(at);
  await page.getByLabel('Reason').fill('the bank sends the missing line tomorrow');
  await page.getByRole('button', { name: 'Take it as it is' }).click();
  await expect(page.getByRole('status').first()).toContainText('its lines count');
  await expect(page.getByText('the bank sends the missing line tomorrow')).toBeVisible();
});

test('each day of a bank account goes from its opening to its closing balance, and a figure leads to its lines', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/accounts');
  await page.getByRole('navigation', { name: 'Cash' }).getByRole('link', { name: 'Daily proof' }).click();
  const days = page.getByRole('table', { name: /Daily cash proof/ });
  await expect(days.locator('.tie.is-ties', { hasText: '0.00' }).first()).toBeVisible();
  await expectAccessible();
  await page.getByRole('link', { name: 'More days of Geschäftskonto' }).click();
  const receipts = days.locator('td[data-label="Receipts"] a').first();
  const amount = (await receipts.textContent()).trim();
  await receipts.click();
  await expect(page.getByText('Only lines of the daily cash proof’s column Receipts.')).toBeVisible();
  const lines = page.getByRole('table', { name: /Lines/ }).locator('td[data-label="Amount"]');
  const sum = (await lines.allTextContents()).reduce((sum, text) => sum + Math.round(Number(text.replace(/[^0-9.]/g, '')) * 100), 0);
  expect(sum).toBe(Math.round(Number(amount.replace(/[^0-9.]/g, '')) * 100));
});

test('receivables roll forward by period, and a figure leads to its documents', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/receivables?entity=DE');
  const rolled = page.getByRole('table', { name: /Roll-forward/ });
  await expect(rolled.getByRole('columnheader', { name: 'Write-offs' })).toBeVisible();
  await rolled.locator('td[data-label="Invoices"] a').first().click();
  await expect(page).toHaveURL(/kind=invoice&stage=issued/);
  await expect(page.getByRole('table').locator('tbody tr').first()).toBeVisible();
  await page.goBack();
  await expectAccessible();
});

test('what is past due stands as a trigger, on the list, in its file and on the customer’s account', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/collections');
  const triggers = page.getByRole('table', { name: /Collection triggers/ }).locator('tbody tr');
  await expect(triggers.first()).toContainText('days past due; step');
  await expectAccessible();
  const file = await page.request.get('/export/collections.csv');
  expect(await file.text()).toContain('entity,customer,customer_name,currency,step,why,past_due,silent');
  await triggers.first().getByRole('link').first().click();
  await expect(page.getByRole('table', { name: /Collection/ })).toContainText('days past due; step');
});

test('a dispute stands with its deadline, and its chargeback took the payment back', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/clearing');
  const waiting = page.getByRole('table', { name: /Disputes/ }).locator('tbody tr').filter({ hasText: 'needs an answer' }).first();
  await expect(waiting).toContainText('due in');
  await expectAccessible();
  const payment = (await waiting.locator('td[data-label="Payment"]').textContent()).trim();
  await waiting.locator('td[data-label="Chargeback"] a').click();
  await expect(page.getByRole('heading', { level: 1, name: /^Chargeback CB-/ })).toBeVisible();
  await expect(page.getByRole('link', { name: payment }).first()).toBeVisible();
});

test('an address from when bank accounts were the page Cash still leads to them', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/cash?intake=019aa000-0000-7000-8000-000000000000&entity=DE');
  await expect(page).toHaveURL(/\/cash\/accounts\?/);
  expect(new URL(page.url()).searchParams.get('entity')).toBe('DE');
  await expect(page.getByRole('table', { name: /Bank accounts/ })).toBeVisible();
});

test('a file of an account that nobody knows is refused with its line', async ({ page, signIn }) => {
  await signIn('controller');
  await handOver(page, statement({ day: '340103', account: '999888777666' }));
  await expect(page.getByRole('alert')).toContainText('refused');
  await expect(page.getByRole('table', { name: 'Rules broken' })).toContainText('999888777666');
});

test('a table asks once what its columns mean', async ({ page, signIn, expectAccessible }, { project }) => {
  const name = project.name === 'js' ? 'USD account, Straits' : 'USD account';
  const table = 'Date,Amount,Description,Name\n2032-01-03,480.00,INV-1,Acme Inc\n2032-01-04,-30.00,Fee,Bank\n';
  const send = async () => {
    await page.getByLabel('Table').setInputFiles({ name: 'table.csv', mimeType: 'text/csv', buffer: Buffer.from(table) });
    await page.getByRole('button', { name: 'Import' }).click();
  };
  await signIn('controller');
  await page.goto('/cash/accounts');
  await page.getByRole('link', { name, exact: true }).click();
  await send();
  await expect(page.getByRole('table', { name: /What the columns seem to mean/ })).toContainText('Amount');
  await expectAccessible();
  await page.getByRole('button', { name: 'Confirm these columns' }).click();
  await expect(page.getByRole('status').first()).toContainText('read so from now on');
});
