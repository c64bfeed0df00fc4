import { expect, test } from '../fixtures.mjs';

test('an operator runs a job now and sees how it went', async ({ page, signIn, expectAccessible }) => {
  await signIn('operator');
  await page.goto('/jobs');
  const schedules = page.getByRole('table', { name: /Schedules/ });
  const seal = schedules.getByRole('row').filter({ hasText: 'Seal finished batches' });
  await expect(seal).toContainText('Every 10 minutes');
  await expectAccessible();
  await seal.getByRole('button', { name: 'Run now' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Asked for: Seal finished batches' })).toBeVisible();
  const runs = page.getByRole('table', { name: /Last runs/ });
  await expect(async () => {
    await page.goto('/jobs');
    const mine = runs.getByRole('row').filter({ hasText: 'Seal finished batches' }).filter({ hasText: '@' }).first();
    await expect(mine).toContainText('done');
  }).toPass();
});

test('who may only read sees why the button is off', async ({ page, signIn }) => {
  await signIn('auditor');
  await page.goto('/jobs');
  await expect(page.getByRole('button', { name: 'Run now' }).first()).toBeDisabled();
  await expect(page.getByText('needs Operator role').first()).toBeVisible();
});

test('the audit log shows who ran it, and that its chain is not anchored', async ({ page, signIn, expectAccessible }) => {
  await signIn('auditor');
  await page.goto('/audit');
  await expect(page.getByText('unanchored since')).toBeVisible();
  await expect(page.getByRole('table', { name: /Log, newest first/ })).toBeVisible();
  await expectAccessible();
});
