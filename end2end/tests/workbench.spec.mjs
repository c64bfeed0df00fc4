// The queue as a place of work: keys, one exception beside the list, acts on all that match, saved views, palette, live news, files.
import { expect, test } from '../fixtures.mjs';

const rows = (page) => page.getByRole('row').filter({ has: page.getByRole('checkbox', { name: /^Choose / }) });
const numbers = (page) => page.getByRole('rowheader').getByRole('link');
const beside = (page) => page.getByRole('complementary', { name: 'The exception that is open' });
const done = (page, text) => expect(page.getByRole('status').filter({ hasText: text }).first()).toBeVisible();
const filter = (page, key) => new URL(page.url()).searchParams.get(key);

// a button that needs a script is shown when its script runs
const awake = (page) => expect(page.getByRole('button', { name: /^Keyboard/ })).toBeVisible();
const findable = (page) => expect(page.getByRole('button', { name: /^Find/ })).toBeVisible();

test('keys move, tick and lead to the acts, and stay out of fields @js', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await awake(page);
  await page.keyboard.press('j');
  await expect(numbers(page).nth(0)).toBeFocused();
  await page.keyboard.press('j');
  await expect(numbers(page).nth(1)).toBeFocused();
  await page.keyboard.press('k');
  await expect(numbers(page).nth(0)).toBeFocused();
  await page.keyboard.press('x');
  await expect(rows(page).nth(0).getByRole('checkbox')).toBeChecked();
  await expect(page.getByRole('status').filter({ hasText: / ticked$/ })).toContainText('1 · ');
  await page.keyboard.press('r');
  await expect(page.getByRole('button', { name: 'Replay ticked' })).toBeFocused();
  await expect(page.getByRole('status').filter({ hasText: 'Press Enter to freeze' })).toHaveCount(1);
  await page.keyboard.press('c');
  await expect(page.getByLabel('Comment')).toBeFocused();
  await page.keyboard.type('jxa?'); // a field keeps what is typed into it
  await expect(page.getByLabel('Comment')).toHaveValue('jxa?');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await rows(page).nth(0).getByRole('checkbox').focus();
  await page.keyboard.press('a');
  await expect(page.getByLabel(/New owner/)).toBeFocused();
  await numbers(page).nth(0).focus();
  await page.keyboard.press('/');
  await expect(page.getByLabel('Kind')).toBeFocused();
  await numbers(page).nth(0).focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toBeVisible();
  await expectAccessible();
  await page.getByRole('checkbox', { name: 'Single keys' }).uncheck();
  await page.keyboard.press('Escape');
  await numbers(page).nth(0).focus();
  await page.keyboard.press('j');
  await expect(numbers(page).nth(0)).toBeFocused();
});

test('a replay is frozen by keyboard alone @js', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/exceptions?kind=period');
  await awake(page);
  for (const key of ['j', 'x', 'r', 'Enter']) await page.keyboard.press(key);
  await expect(page.getByRole('heading', { level: 1, name: /^Replay \d+$/ })).toBeVisible();
});

test('an exception opens beside the list; filter, place and ticks stay @js', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions?amount=0.01');
  await awake(page);
  await rows(page).nth(2).getByRole('checkbox').check();
  await page.keyboard.press('j');
  const [first, second] = [await numbers(page).nth(2).textContent(), await numbers(page).nth(3).textContent()];
  await numbers(page).nth(2).focus();
  await page.keyboard.press('Enter');
  await expect(beside(page).getByRole('heading', { name: first })).toBeFocused();
  expect([filter(page, 'amount'), Boolean(filter(page, 'open'))]).toEqual(['0.01', true]);
  await expect(rows(page).nth(2).getByRole('checkbox')).toBeChecked();
  await expectAccessible();
  await page.keyboard.press('j');
  await expect(beside(page).getByRole('heading', { name: second })).toBeVisible();
  await page.keyboard.press('c');
  await page.keyboard.type('Seen beside the list.');
  await beside(page).getByRole('button', { name: 'Add comment' }).click();
  await done(page, 'Comment added');
  await expect(beside(page).getByText('Seen beside the list.').first()).toBeVisible();
  expect(filter(page, 'amount')).toBe('0.01');
  await awake(page);
  await page.keyboard.press('Escape');
  await expect(beside(page)).toHaveCount(0);
  expect([filter(page, 'amount'), filter(page, 'open')]).toEqual(['0.01', null]);
});

test('on a phone the exception is its page @js', async ({ page, signIn }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn('controller');
  await page.goto('/exceptions');
  await awake(page);
  await numbers(page).first().click();
  await expect(page).toHaveURL(/\/exceptions\/[0-9a-f-]{36}/);
});

test('the panel has an address, and the page of an exception leads back to the filter', async ({ page, signIn, javaScriptEnabled }) => {
  await signIn('controller');
  await page.goto('/exceptions?amount=0.01');
  const id = (await numbers(page).first().getAttribute('href')).match(/[0-9a-f-]{36}/)[0];
  await page.goto(`/exceptions?amount=0.01&open=${id}`);
  await expect(beside(page).getByRole('heading', { name: 'Resolve by hand' })).toBeVisible();
  await beside(page).getByRole('link', { name: 'Open as a page' }).click();
  await expect(page).toHaveURL(new RegExp(`/exceptions/${id}\\?amount=0.01`));
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Exceptions' }).click();
  expect(filter(page, 'amount')).toBe('0.01');
  if (javaScriptEnabled !== false) return;
  await numbers(page).first().click();
  await expect(page).toHaveURL(new RegExp(`/exceptions/${id}\\?amount=0.01`));
});

test('Enter does what stands beside the field, and never the first act of the form', async ({ page, signIn, javaScriptEnabled }) => {
  await signIn('controller');
  await page.goto('/exceptions?amount=0.01');
  const row = rows(page).first();
  const owner = await row.locator('td.owner').textContent();
  await row.getByRole('checkbox').check();
  if (javaScriptEnabled !== false) await awake(page);
  await page.getByLabel('Comment').fill('Said with Enter.');
  await page.getByLabel('Comment').press('Enter');
  if (javaScriptEnabled !== false) await done(page, '1 commented');
  await expect(page.getByRole('status').filter({ hasText: / assigned/ })).toHaveCount(0);
  await expect(rows(page).first().locator('td.owner')).toHaveText(owner);
});

test('a shift-click ticks what lies between, and what was ticked before the script ran is counted @js', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/exceptions?amount=0.01');
  await awake(page);
  const box = (index) => rows(page).nth(index).getByRole('checkbox');
  await box(0).click();
  await box(3).click({ modifiers: ['Shift'] });
  for (const index of [0, 1, 2, 3]) await expect(box(index)).toBeChecked();
  await expect(page.getByRole('status').filter({ hasText: / ticked$/ })).toContainText('4 · ');
  await box(1).click({ modifiers: ['Shift'] });
  await expect(page.getByRole('status').filter({ hasText: / ticked$/ })).toContainText('1 · ');
  // the client comes late: the box is ticked by then
  let release;
  const late = new Promise((resolve) => { release = resolve; });
  await page.route(/\.wasm/, async (route) => { await late; await route.continue(); });
  await page.reload({ waitUntil: 'domcontentloaded' });
  await box(2).check();
  release();
  await expect(page.getByRole('status').filter({ hasText: / ticked$/ })).toContainText('1 · ');
});

test('the skip link leaves the queue as it is, and a copy button beside the list copies @js', async ({ page, signIn }) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn('controller');
  await page.goto('/exceptions?kind=period');
  await awake(page);
  await rows(page).first().getByRole('checkbox').check();
  await page.evaluate(() => { globalThis.stayed = true; });
  await page.getByRole('link', { name: 'Skip to content' }).focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/#main$/);
  await expect(rows(page).first().getByRole('checkbox')).toBeChecked();
  expect(await page.evaluate(() => globalThis.stayed)).toBe(true);
  await numbers(page).first().click();
  await beside(page).locator('button.copy').first().click();
  await done(page, 'Copied.');
  // back leads to another state of the page: that one is loaded
  await page.goBack();
  await expect(beside(page)).toHaveCount(0);
});

test('whoever holds j down asks for the exception where he stops @js', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/exceptions?amount=0.01');
  await awake(page);
  await numbers(page).first().click();
  await expect(beside(page).getByRole('heading', { level: 2 }).first()).toBeVisible();
  const asked = [];
  page.on('request', (request) => { if (request.url().includes('part=beside')) asked.push(request.url()); });
  for (let presses = 0; presses < 8; presses += 1) await page.keyboard.press('j');
  const last = await numbers(page).nth(8).textContent();
  await expect(beside(page).getByRole('heading', { name: last })).toBeVisible();
  expect(asked.length).toBeLessThan(4);
});

test('all that match are assigned and commented, and an assignment is undone', async ({ page, signIn, demo, expectAccessible }) => {
  const owner = demo.logins.operator.email;
  await signIn('controller');
  await page.goto('/exceptions?kind=mapping');
  await page.getByRole('link', { name: /^Select all [\d,]+ that match$/ }).click();
  await expect(page.getByRole('status').filter({ hasText: /^All that match: / })).toContainText(/\d+ · [\d,.]+ [A-Z]{3}/);
  const all = await rows(page).count();
  await page.getByLabel(/New owner/).fill(owner);
  await page.getByRole('button', { name: 'Assign all that match' }).click();
  await done(page, `${all} assigned`);
  expect(filter(page, 'kind')).toBe('mapping');
  await expect(rows(page).filter({ hasText: owner })).toHaveCount(all);
  await expectAccessible();

  await page.getByRole('link', { name: /^Select all/ }).click();
  await page.getByLabel('Comment').fill('One word for all of them.');
  await page.getByRole('button', { name: 'Comment all that match' }).click();
  await done(page, `${all} commented`);

  await page.getByRole('link', { name: 'Tick all listed' }).click();
  await page.getByLabel(/New owner/).fill('');
  await page.getByRole('button', { name: 'Assign ticked' }).click();
  await done(page, `${all} assigned`);
  await page.getByRole('button', { name: 'Undo' }).click();
  await done(page, `${all} given back`);
  expect(filter(page, 'kind')).toBe('mapping');
  await expect(rows(page).filter({ hasText: owner })).toHaveCount(all);
});

test('a filter is kept under a name, shared, opened with, and deleted', async ({ page, signIn, expectAccessible }, { project }) => {
  const name = `Taxes ${project.name}`;
  const views = page.getByRole('navigation', { name: 'Views' });
  const open = () => page.locator('summary').filter({ hasText: /^View/ }).click();
  await signIn('controller');
  await page.goto('/exceptions?kind=tax');
  await open();
  await page.getByLabel('Keep this filter as').fill(name);
  await page.getByLabel('Share with everyone').check();
  await page.getByRole('button', { name: 'Save view' }).click();
  await done(page, 'View saved');
  expect(filter(page, 'kind')).toBe('tax');
  await expect(page.locator('summary').filter({ hasText: name })).toBeVisible();
  await expectAccessible();
  await open();
  await page.getByRole('button', { name: 'Open the queue with it' }).click();
  await done(page, 'The queue opens with this view');
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Exceptions', exact: true }).click();
  expect(filter(page, 'kind')).toBe('tax');
  await page.getByRole('link', { name: 'Clear', exact: true }).click();
  expect(filter(page, 'kind')).toBe(null);
  await expect(page.locator('summary').filter({ hasText: `${name}, changed` })).toBeVisible();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn('operator');
  await page.goto('/exceptions');
  await open();
  await views.getByRole('link', { name }).click();
  expect(filter(page, 'kind')).toBe('tax');
  await open();
  await expect(page.getByRole('button', { name: /^Delete/ })).toHaveCount(0);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn('controller');
  await page.goto('/exceptions');
  expect(filter(page, 'kind')).toBe('tax');
  await open();
  await page.getByRole('button', { name: `Delete “${name}”` }).click();
  await done(page, 'View deleted');
  await page.goto('/exceptions');
  expect(filter(page, 'kind')).toBe(null);
});

test('the palette goes to pages, numbers and acts of the page by keyboard alone @js', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions');
  await findable(page);
  const number = await numbers(page).first().textContent();
  const box = page.getByRole('combobox', { name: 'Page, view, number or act' });
  await page.keyboard.press('Control+k');
  await expect(box).toBeFocused();
  await expectAccessible();
  await page.keyboard.type(number.toLowerCase());
  const options = page.getByRole('listbox').getByRole('option');
  await expect(options.filter({ has: page.getByText('Exception', { exact: true }) })).toHaveCount(1);
  await expect(options.first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/exceptions\/[0-9a-f-]{36}$/);

  await page.goto('/exceptions');
  await findable(page);
  await page.keyboard.press('Control+k');
  await page.keyboard.type('replay ticked');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Replay ticked' })).toBeFocused();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('recon');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/reconciliation$/);
});

/** Invoices whose lines do not add up: rejected, an exception each. */
function broken(run, count) {
  const month = new Date().toISOString().slice(0, 7);
  const documents = Array.from({ length: count }, (_, index) => ({
    kind: 'invoice', number: `${run}-${index + 1}`, customer: { code: 'C-1', name: 'One' },
    currency: 'USD', amount: '1.19', tax: '0.19', issue_date: `${month}-01`, due_date: `${month}-28`,
    lines: [{ item: 'PLATFORM', description: 'Fee', quantity: '2', unit_price: '1.00', net: '1.00', tax: '0.19', tax_code: 'US-CA' }],
  }));
  const manifest = [{ currency: 'USD', kind: 'invoice', count, total: (1.19 * count).toFixed(2), tax: (0.19 * count).toFixed(2) }];
  return { format: 'tieout.invoice-batch/1', source: 'billing', batch: run, entity: 'US', period: month, manifest, documents };
}

test('what comes in is told without moving a row, and shown on demand @js', async ({ page, signIn, demo, request, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions?entity=US&kind=rejected');
  await awake(page);
  const before = await rows(page).count();
  const run = `LIVE-${Date.now().toString(36).toUpperCase()}`;
  const headers = { authorization: `Bearer ${demo.api_key}`, 'content-type': 'application/json' };
  const answer = await request.post(`${demo.url}/api/v1/invoice-batches`, { headers, data: broken(run, 3) });
  expect(answer.ok(), await answer.text()).toBe(true);
  const news = page.getByRole('link', { name: /^3 new/ });
  await expect(news).toBeVisible();
  await expect(rows(page)).toHaveCount(before);
  await expectAccessible();
  await news.click();
  await expect(rows(page)).toHaveCount(3);
  await expect(rows(page).first()).toContainText(run);
  expect([filter(page, 'entity'), filter(page, 'kind')]).toEqual(['US', 'rejected']);
});

test('what an act left alone is named with the reason', async ({ page, signIn, expectAccessible }) => {
  await signIn('controller');
  await page.goto('/exceptions?kind=customer');
  const number = await numbers(page).first().textContent();
  // somebody closes it while the list stands open
  const other = await page.context().newPage();
  await other.goto(await numbers(page).first().getAttribute('href'));
  await other.getByLabel('It will not be posted, because').fill('Billed twice by mistake.');
  await other.getByRole('button', { name: /^Resolve/ }).click();
  await expect(other.getByText('Closed: resolved')).toBeVisible();
  await other.close();
  await rows(page).filter({ hasText: number }).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Assign ticked' }).click();
  await done(page, '0 assigned; 1 left alone');
  const alone = page.getByRole('table', { name: /Left alone/ }).getByRole('row').filter({ hasText: number });
  await expect(alone).toContainText('closed before: resolved');
  await expectAccessible();
});

test('what is shown is taken away as a file, with totals per currency', async ({ page, signIn }) => {
  await signIn('controller');
  await page.goto('/exceptions?kind=mapping');
  const all = await rows(page).count();
  const [csv, xlsx] = await Promise.all(
    ['CSV', 'XLSX'].map(async (name) => page.request.get(await page.getByRole('link', { name, exact: true }).getAttribute('href'))));
  const lines = (await csv.text()).trim().split('\r\n');
  expect(lines.filter((line) => line.includes(',mapping,'))).toHaveLength(all);
  expect(lines.filter((line) => line.startsWith('total,')).length).toBeGreaterThan(0);
  expect(lines.at(-1)).toMatch(/^total,\d+ exceptions,(invoice|credit_memo),,,,,[A-Z]{3},[\d.]+,/);
  expect(xlsx.headers()['content-type']).toContain('spreadsheetml');
  expect((await xlsx.body()).subarray(0, 2).toString()).toBe('PK');
});
