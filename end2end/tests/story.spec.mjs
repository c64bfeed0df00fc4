// One batch from the upload to the tie-out, played by the people who do it; everything by links and forms.
import { expect, test } from '../fixtures.mjs';

// axe takes a link that scrolls under sticky totals for a small one: let nothing scroll
test.use({ viewport: { width: 1440, height: 3600 } });

const CONNECTION = 'NetSuite-US';
// The company bills nobody else of its US entity in these currencies: the cell of the reconciliation is the batch's own, and
// nobody has a limit in it, so every act needs a second person.
const CURRENCY = { js: 'EUR', 'no-js': 'GBP' };
const month = new Date().toISOString().slice(0, 7);

/** The batch: two invoices that go through, two for a customer that nobody mapped, one for another, one that breaks a rule. */
function batch(run, currency, customer) {
  const known = customer;
  const unmapped = `NEW-${run}`;
  const gone = `GONE-${run}`;
  const rows = [
    { customer: known, net: '1000.00', tax: '190.00', amount: '1190.00' },
    { customer: known, net: '250.00', tax: '47.50', amount: '297.50' },
    { customer: unmapped, net: '4000.00', tax: '760.00', amount: '4760.00' },
    { customer: unmapped, net: '2000.00', tax: '380.00', amount: '2380.00' },
    { customer: gone, net: '1500.00', tax: '285.00', amount: '1785.00' },
    { customer: known, net: '100.00', tax: '19.00', amount: '119.00', quantity: '2' },
  ];
  const documents = rows.map(({ customer, net, tax, amount, quantity = '1' }, index) => ({
    kind: 'invoice', number: `${run}-${index + 1}`, customer: { code: customer, name: `Customer ${customer}` },
    currency, amount, tax, issue_date: `${month}-01`, due_date: `${month}-28`,
    lines: [{ item: 'PLATFORM', description: 'Platform fee', quantity, unit_price: net, net, tax, tax_code: 'US-CA' }],
  }));
  const manifest = [{ currency, kind: 'invoice', count: 6, total: '10531.50', tax: '1681.50' }];
  const content = { format: 'tieout.invoice-batch/1', source: 'billing', batch: run, entity: 'US', period: month, manifest, documents };
  return { content: JSON.stringify(content), unmapped, numbers: documents.map((document) => document.number) };
}

test('a batch is uploaded, fixed by two people, posted, read back, and ties out', async ({ page, signIn, expectAccessible }, { project }) => {
  test.setTimeout(180_000);
  const currency = CURRENCY[project.name];
  const run = `ST-${project.name.toUpperCase()}-${Date.now().toString(36).toUpperCase()}`;
  const go = (name) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).click();
  const done = (text) => expect(page.getByRole('status').filter({ hasText: text }).first()).toBeVisible();
  const become = async (role) => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page).toHaveURL(/\/login/);
    await signIn(role);
  };
  const openBatch = async () => {
    await go('Batches');
    await page.getByRole('table', { name: /Batches, newest first/ }).getByRole('link', { name: run, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name: `Batch ${run}` })).toBeVisible();
  };
  // where the batch's documents are, as its page tells it
  const whereItIs = async () => {
    await page.reload();
    const rows = page.getByRole('table', { name: /Where it is now/ }).getByRole('row').filter({ has: page.locator('.badge') });
    const cells = await rows.evaluateAll((all) =>
      all.map((row) => [row.querySelector('.badge').textContent.trim(), Number(row.querySelector('td[data-label="Documents"] data').value)]));
    return Object.fromEntries(cells);
  };
  const choose = async (what, name) => {
    await page.locator('summary').filter({ hasText: new RegExp(`^${what}`) }).click();
    await page.getByRole('navigation', { name: what, exact: true }).getByRole('link', { name }).click();
  };
  const openReconciliation = async () => {
    await go('Reconciliation');
    await choose('Entity', 'Lumen Analytics Inc.');
    await choose('Period', month);
  };
  const readBack = async () => {
    await openReconciliation();
    await page.getByRole('button', { name: 'Read back and compare now' }).click();
    await done('US is read back and compared');
  };
  const cell = page.getByRole('table', { name: /Issued against read back/ }).getByRole('row').filter({ hasText: `${currency} debits` });
  const breaks = page.getByRole('table', { name: /Breaks, oldest first/ }).getByRole('row').filter({ hasText: run });

  await signIn('controller');
  const { reference, code } = await test.step('a known customer is looked up', async () => {
    await go('Mappings');
    await page.getByRole('navigation', { name: 'Connections' }).getByRole('link', { name: CONNECTION }).click();
    await page.getByLabel('Kind').selectOption('customer');
    await page.getByRole('button', { name: 'Apply' }).click();
    const first = page.getByRole('row').filter({ has: page.getByRole('link', { name: /^Change / }) }).first();
    return { code: await first.getByRole('rowheader').textContent(), reference: await first.locator('td[data-label="Reference"]').textContent() };
  });
  const { content, unmapped, numbers } = batch(run, currency, code);

  await test.step('the file is uploaded, and the report names what broke a rule', async () => {
    await go('Batches');
    await page.getByRole('link', { name: 'Upload a batch' }).click();
    await expectAccessible();
    await page.getByLabel('File').setInputFiles({ name: `${run}.json`, mimeType: 'application/json', buffer: Buffer.from(content) });
    await page.getByRole('button', { name: 'Import' }).click();
    await done('6 documents, 1 of them rejected');
    await page.getByText('Rules that rows broke').click();
    const rule = page.getByRole('table', { name: /Rules broken/ }).getByRole('row').filter({ hasText: 'lines[1].net' });
    await expect(rule).toContainText('100.00');
    await expectAccessible();
  });

  await test.step('what can travel reaches the ERP, the rest waits; all of it is accounted for', async () => {
    const arrived = async () => {
      const { posted = 0, confirmed = 0, ...rest } = await whereItIs();
      return { arrived: posted + confirmed, ...rest };
    };
    await expect.poll(arrived, { timeout: 30_000 }).toEqual({ arrived: 2, exception: 3, rejected: 1 });
    await expect(page.getByRole('row').filter({ hasText: `Total ${currency}` })).toContainText('6 = 6');
  });

  await test.step('the two of one cause are mapped inside its card; an approver is asked', async () => {
    await go('Exceptions');
    await page.getByRole('navigation', { name: 'Causes' }).getByRole('link').filter({ hasText: unmapped }).click();
    const card = page.getByRole('region', { name: `Customer mapping missing: ${unmapped}` });
    await expect(card).toContainText(`2 · 7,140.00 ${currency}`);
    await expect(card.getByRole('button', { name: /^Replay all of this cause/ })).toBeDisabled();
    await card.getByLabel(`Customer at ${CONNECTION}`).fill(reference);
    await card.getByRole('button', { name: 'Map' }).click();
    await done('Above your limit: an approver is asked');
    await expect(card).toContainText('waits for an approver');
    await expectAccessible();
  });

  await test.step('the approver puts the mapping in force', async () => {
    await become('approver');
    await go('Approvals');
    await expect(page.getByRole('row').filter({ hasText: unmapped })).toContainText(`7,140.00 ${currency}`);
    await expectAccessible();
    await page.getByRole('button', { name: `Approve Customer ${unmapped}` }).click();
    await done('Mapping in force');
  });

  await test.step('the listed ones are frozen, approved as they were, replayed and posted', async () => {
    await become('controller');
    await go('Exceptions');
    await page.getByRole('navigation', { name: 'Causes' }).getByRole('link').filter({ hasText: unmapped }).click();
    await page.getByRole('link', { name: 'Tick all listed' }).click();
    await page.getByRole('button', { name: 'Replay ticked' }).click();
    await expect(page.getByRole('heading', { level: 1, name: /^Replay \d+$/ })).toBeVisible();
    const before = page.getByRole('table', { name: /Before it runs/ }).getByRole('row').filter({ hasText: 'will be sent' });
    await expect(before.locator('td[data-label="Documents"]')).toHaveText('2');
    await page.getByRole('link', { name: `What changes in ${numbers[2]}` }).click();
    await expect(page.getByRole('table', { name: 'What item 1 would change' })).toContainText(reference);
    await expect(page.getByRole('button', { name: /^Approve: 2/ })).toBeDisabled();
    await expectAccessible();
    const replay = await page.getByRole('heading', { level: 1 }).textContent();
    await become('approver');
    await go('Approvals');
    await page.getByRole('link', { name: replay, exact: true }).click();
    await page.getByRole('button', { name: /^Approve: 2/ }).click();
    await done('approved, it runs');
    await expect(async () => {
      await page.reload();
      await expect(page.getByText('2 of 2 had their turn')).toBeVisible({ timeout: 500 });
    }).toPass({ timeout: 30_000 });
    await expectAccessible();
    await become('controller');
    await openBatch();
    const arrived = async () => {
      const { posted = 0, confirmed = 0 } = await whereItIs();
      return posted + confirmed;
    };
    await expect.poll(arrived, { timeout: 30_000 }).toBe(4);
  });

  await test.step('read back, they are confirmed; the one that is left is the only break', async () => {
    await readBack();
    await openBatch();
    await expect.poll(whereItIs, { timeout: 30_000 }).toEqual({ confirmed: 4, exception: 1, rejected: 1 });
    await page.getByRole('link', { name: 'All documents of this batch' }).click();
    await page.getByRole('link', { name: numbers[2], exact: true }).click();
    const stages = page.locator('.timeline .badge');
    await expect(stages).toHaveText(['finalized', 'exception', 'queued', 'in flight', 'posted', 'confirmed']);
    await expectAccessible();
    await openReconciliation();
    await expect(async () => {
      await page.reload();
      await expect(cell).toContainText(`off by 1,785.00 ${currency}`, { timeout: 500 });
    }).toPass({ timeout: 30_000 });
    await cell.getByRole('rowheader').getByRole('link').click();
    await expect(breaks).toHaveCount(1);
    await expect(breaks).toContainText(`invoice ${numbers[4]} is not in the ERP; it is exception`);
    await expectAccessible();
  });

  await test.step('it is resolved by hand with a reason, and a second person agrees', async () => {
    await breaks.getByRole('link', { name: numbers[4], exact: true }).click();
    await page.getByRole('link', { name: 'Open the exception' }).click();
    await expectAccessible();
    await page.getByLabel('It will not be posted, because').fill('The customer left before the month began.');
    await page.getByRole('button', { name: `Resolve 1,785.00 ${currency}` }).click();
    await done('Above your limit: an approver is asked');
    await done('Waits for an approver');
    await become('approver');
    await go('Approvals');
    const request = page.getByRole('row').filter({ hasText: numbers[4] });
    await expect(request).toContainText('The customer left before the month began.');
    await request.getByLabel('Comment (optional)').fill('Seen with sales.');
    await request.getByRole('button', { name: `Approve ${numbers[4]}` }).click();
    await done('Approved');
  });

  await test.step('billing and ERP tie out', async () => {
    await become('controller');
    await readBack();
    await expect(async () => {
      await page.reload();
      await expect(cell.locator('.tie')).toHaveText('ties', { timeout: 500 });
    }).toPass({ timeout: 30_000 });
    await expect(breaks).toHaveCount(0);
    await openBatch();
    expect(await whereItIs()).toEqual({ confirmed: 4, resolved: 1, rejected: 1 });
    await expect(page.getByRole('row').filter({ hasText: `Total ${currency}` })).toContainText('6 = 6');
    await expectAccessible();
  });
});
