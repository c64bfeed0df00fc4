// No page is wider than its window: on a phone, on a small desk, on a large one.
import { expect, test } from '../fixtures.mjs';

const PAGES = {
  controller: ['/', '/batches', '/batches/upload', '/documents', '/exceptions', '/inbox', '/cash', '/cash/workbench', '/cash/receivables', '/cash/items', '/cash/accounts', '/cash/daily', '/cash/clearing', '/cash/collections', '/mappings', '/reconciliation'],
  operator: ['/', '/connections', '/jobs'],
  auditor: ['/', '/audit', '/users', '/calendars'],
  admin: ['/', '/users', '/approvals', '/calendars?calendar=DE'],
};

// Also what is on its way, which stands among the breaks once it was read back and compared.
async function breaksOfEveryKind(page) {
  await page.goto('/reconciliation');
  await page.getByRole('button', { name: 'Read back and compare now' }).click();
  await expect(async () => {
    await page.goto('/reconciliation?kind=timing');
    await expect(page.getByRole('cell', { name: 'on its way' }).first()).toBeVisible({ timeout: 500 });
  }).toPass();
}

// What stands beyond the right edge of a page that scrolls sideways.
function beyond() {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  const over = [...document.querySelectorAll('main *')].filter((element) => element.getBoundingClientRect().right > innerWidth);
  return over.map((element) => `${element.tagName} ${element.className}: ${element.textContent.slice(0, 60)}`).slice(0, 12);
}

for (const [role, paths] of Object.entries(PAGES)) {
  test(`no page of the ${role} scrolls sideways @js`, async ({ page, signIn }) => {
    await signIn(role);
    if (role === 'controller') await breaksOfEveryKind(page);
    for (const path of paths) {
      await page.goto(path);
      for (const width of [320, 390, 1024, 1280, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await page.evaluate(beyond), `${path} at ${width}`).toEqual([]);
      }
    }
  });
}

test('one cause with its sums fits a phone @js', async ({ page, signIn }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn('controller');
  await page.goto('/exceptions');
  const causes = page.getByRole('navigation', { name: 'Causes' }).getByRole('link');
  await causes.nth(1).click();
  await expect(causes).toHaveCount(2); // itself and the way back
  expect(await page.evaluate(beyond)).toEqual([]);
});
