// What two people decide about one document: corrections of what the ERP holds.
import { expect, test } from '../fixtures.mjs';

// what one person may do alone in US dollars and a day; see the demo's limits
const LIMIT = 5000;

test('a correction shows its effect on the books first, and a second person lets it in', async ({ page, signIn, expectAccessible }, { project }) => {
  // each run corrects an invoice of its own
  const place = project.name === 'js' ? 0 : 1;
  await signIn('controller');
  await page.goto('/documents?stage=confirmed&kind=invoice&entity=US&currency=USD');
  const large = await page.getByRole('table').locator('tbody tr').evaluateAll((rows, LIMIT) =>
    rows.filter((row) => Number(row.querySelector('td[data-label="Amount"]').textContent.replace(/[^0-9.]/g, '')) > LIMIT)
      .map((row) => row.querySelector('th a').textContent), LIMIT);
  const number = large[place];
  await page.getByRole('link', { name: number, exact: true }).click();
  const correct = page.getByRole('region', { name: 'Correct it' });
  await correct.getByText('Credit: A credit memo').click();
  const effect = correct.getByRole('table', { name: /Credit: effect on the books/ });
  await expect(effect.getByRole('rowheader', { name: 'Accounts receivable' })).toBeVisible();
  await expect(correct.getByText('a void is only possible before issue')).toBeVisible();
  await expectAccessible();
  const form = correct.locator('form').filter({ has: page.getByRole('button', { name: 'Credit', exact: true }) });
  await form.getByLabel('Because').fill('Billed to the wrong customer');
  await form.getByRole('button', { name: 'Credit', exact: true }).click();
  await expect(page.getByRole('status').filter({ hasText: 'an approver is asked' })).toBeVisible();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn('approver');
  await page.goto('/approvals');
  const asked = page.getByRole('row').filter({ hasText: `${number}-CR` });
  await expect(asked).toContainText('Billed to the wrong customer');
  await asked.getByRole('button', { name: `Approve ${number}` }).click();
  await expect(page.getByRole('status').filter({ hasText: 'approved' })).toBeVisible();

  await expect(async () => {
    await page.goto(`/documents?number=${number}-CR`);
    await expect(page.getByRole('table').getByText('posted').or(page.getByRole('table').getByText('confirmed')).first()).toBeVisible({ timeout: 500 });
  }).toPass();
});
