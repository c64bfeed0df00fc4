// One missing mapping on four thousand postings: one card, one fix, a look at what would pass, one replay, nothing left.
import { expect, test } from '../fixtures.mjs';

const COUNT = 4000;
const CONNECTION = 'NetSuite-EU';
const month = new Date().toISOString().slice(0, 7);

/** Invoices of 119.00 EUR each, for a product that nobody has mapped. */
function batch(run, customer, item) {
  const documents = Array.from({ length: COUNT }, (_, index) => ({
    kind: 'invoice', number: `${run}-${index + 1}`, customer: { code: customer, name: `Customer ${customer}` },
    currency: 'EUR', amount: '119.00', tax: '19.00', issue_date: `${month}-01`, due_date: `${month}-28`,
    lines: [{ item, description: 'The new product', quantity: '1', unit_price: '100.00', net: '100.00', tax: '19.00', tax_code: 'DE-19' }],
  }));
  const manifest = [{ currency: 'EUR', kind: 'invoice', count: COUNT, total: `${COUNT * 119}.00`, tax: `${COUNT * 19}.00` }];
  return { format: 'tieout.invoice-batch/1', source: 'billing', batch: run, entity: 'DE', period: month, manifest, documents };
}

test('a missing mapping on 4,000 postings is fixed in one card and replayed until none is left @js', async ({ page, request, demo, signIn, expectAccessible }) => {
  test.setTimeout(600_000);
  const run = `BIG-${Date.now().toString(36).toUpperCase()}`;
  const item = `SKU-${run}`;
  const done = (text) => expect(page.getByRole('status').filter({ hasText: text }).first()).toBeVisible();
  const become = async (role) => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/login/);
    await signIn(role);
  };
  const cause = page.getByRole('navigation', { name: 'Causes' }).getByRole('link').filter({ hasText: item });
  const card = page.getByRole('region', { name: `Item mapping missing: ${item}` });
  const headers = { authorization: `Bearer ${demo.api_key}` };

  await signIn('controller');
  const customer = await test.step('a customer of the entity is looked up, and accounting has its account ready', async () => {
    await page.goto('/documents?entity=DE&stage=confirmed');
    await page.locator('tbody th a').first().click();
    const code = await page.locator('.facts div').filter({ hasText: /^Customer/ }).locator('small').textContent();
    await page.goto('/mappings');
    await page.getByRole('navigation', { name: 'Connections' }).getByRole('link', { name: CONNECTION }).click();
    await page.getByText(`Propose a mapping at ${CONNECTION}`).click();
    await page.getByLabel('What').selectOption('account');
    await page.getByLabel('Our code').fill(item);
    await page.getByLabel('Reference in the ERP').fill('54');
    await page.getByRole('button', { name: 'Propose' }).click();
    await done('Mapping in force');
    return code;
  });

  await test.step('four thousand invoices come in by the API, and all of them stop for one cause', async () => {
    const answer = await request.post('/api/v1/invoice-batches', { headers, data: batch(run, customer, item) });
    expect(answer.ok(), await answer.text()).toBe(true);
    await expect(async () => {
      await page.goto('/exceptions');
      await expect(cause).toContainText('4,000', { timeout: 500 });
    }).toPass({ timeout: 120_000 });
    await expect(cause).toHaveCount(1);
  });

  const began = performance.now();
  const fingerprint = await test.step('the one card says what it is, and takes the fix', async () => {
    await cause.click();
    await expect(page).toHaveURL(/cause=/);
    const chosen = new URL(page.url()).searchParams.get('cause');
    await expect(card).toContainText('4,000 · 476,000.00 EUR');
    await expect(card.getByRole('button', { name: /^Replay all of this cause/ })).toBeDisabled();
    await card.getByLabel(`Item at ${CONNECTION}`).fill('1');
    await card.getByRole('button', { name: 'Map' }).click();
    await done('Above your limit: an approver is asked');
    await become('approver');
    await page.goto('/approvals');
    await page.getByRole('button', { name: `Approve Item ${item}` }).click();
    await done('Mapping in force');
    return chosen;
  });

  await test.step('the whole cause is evaluated before anything is sent, and what would pass is frozen', async () => {
    await become('controller');
    await page.goto('/exceptions');
    await cause.click();
    await expect(card.getByText('4,000 would pass')).toBeVisible();
    await card.getByRole('button', { name: 'Replay what would pass: 4,000 · 476,000.00 EUR' }).click();
    await expect(page.getByRole('heading', { level: 1, name: /^Replay \d+$/ })).toBeVisible();
  });

  await test.step('a second person lets it run, and none is left', async () => {
    const set = page.url();
    await become('approver');
    await page.goto(set);
    await page.getByRole('button', { name: /^Approve: 4,000/ }).click();
    await done('approved, it runs');
    await expect(async () => {
      await page.goto(`/exceptions?cause=${encodeURIComponent(fingerprint)}`);
      await expect(page.getByText('Nothing of this cause is open here')).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 240_000, intervals: [500] });
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`    4,000 postings, from the first click to none left: ${seconds} s`);
  await expectAccessible();

  await test.step('all of them reach the ERP', async () => {
    await expect(async () => {
      const { batches } = await (await request.get('/api/v1/invoice-batches', { headers })).json();
      const { stages } = batches.find(({ batch }) => batch === run).lines[0];
      expect(stages.filter(({ stage }) => ['posted', 'confirmed'].includes(stage)).reduce((sum, { count }) => sum + count, 0)).toBe(COUNT);
    }).toPass({ timeout: 300_000, intervals: [2000] });
  });
});
