// What gateways tell beside money: attempts that failed, disputes that were lost; and account numbers in full.
import { expect, test } from '../fixtures.mjs';

test('failed payments stand with their reason, the share recovered, and on the customer’s account', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  const from = new Date(Date.now() - 90 * 86_400_000).toISOString().slice(0, 10);
  await page.goto(`/cash/clearing?from=${from}`);
  const shares = page.getByRole('table', { name: /^Failed payments/ });
  await expect(shares.locator('td[data-label="Share recovered"]').first()).toHaveText(/^\d+\.\d %$/);
  const failed = page.getByRole('table', { name: /^Failed and not recovered/ }).locator('tbody tr').first();
  await expect(failed).toContainText('card_declined');
  await expectAccessible();
  const number = (await failed.locator('th a').textContent()).trim();
  await failed.locator('th a').click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText(number);
});

test('what a lost dispute left owed is written off by two people', async ({ page, signIn, expectAccessible }, { project }) => {
  await signIn('controller');
  await page.goto('/cash/clearing');
  const lost = page.getByRole('table', { name: /^Lost disputes, still owed/ }).locator('tbody tr').first();
  const number = (await lost.locator('th a').textContent()).trim();
  await lost.getByText('Write off', { exact: true }).click();
  await expectAccessible();
  await lost.getByLabel('Because').fill('the bank kept the money');
  await lost.getByRole('button', { name: 'Ask for the write-off' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'nothing is written off before he agrees' })).toBeVisible();
  await expect(lost).toContainText('waits for an approver');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn('approver');
  await page.goto('/approvals');
  const asked = page.getByRole('row').filter({ hasText: 'the bank kept the money' });
  await expect(asked).toContainText(`of ${number} written off: dispute`);
  // with JavaScript it is refused, so that it can be asked for again without
  const act = project.name === 'js' ? 'Refuse' : 'Approve';
  await asked.getByRole('button', { name: `${act} ${number}` }).click();
  await expect(page.getByRole('status').filter({ hasText: act === 'Refuse' ? 'refused' : 'approved' })).toBeVisible();
  await page.goto('/cash/clearing');
  const owed = page.getByRole('row').filter({ hasText: number }).filter({ has: page.getByText('Write off', { exact: true }) });
  await expect(owed).toHaveCount(act === 'Refuse' ? 1 : 0);
});

test('an account number is shown in full once, to who says why', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/cash/accounts');
  await page.getByRole('link', { name: 'Geschäftskonto' }).click();
  await expect(page.getByText('DE89 … 3000')).toBeVisible();
  await page.getByText('Show the account number in full').click();
  await page.getByLabel('What do you need it for').fill('the tax office asks for it');
  await page.getByRole('button', { name: 'Show it once' }).click();
  await expect(page.getByRole('table', { name: /^Shown once/ })).toContainText('DE89370400440532013000');
  await expect(page.getByText('the tax office asks for it')).toBeVisible();
  await expectAccessible();
  await page.reload();
  await expect(page.getByText('It was shown once')).toBeVisible();
  await expect(page.getByText('DE89370400440532013000')).toHaveCount(0);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn('auditor');
  await page.goto('/audit');
  await expect(page.getByRole('row').filter({ hasText: 'account.unmask' }).first()).toContainText('the tax office asks for it');
});
