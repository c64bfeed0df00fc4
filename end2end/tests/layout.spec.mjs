// No page is wider than its window: on a phone, on a small desk, on a large one.
import { expect, test } from '../fixtures.mjs';

const PAGES = {
  controller: ['/', '/batches', '/batches/upload', '/documents', '/exceptions', '/mappings', '/reconciliation'],
  operator: ['/', '/connections', '/jobs'],
  auditor: ['/', '/audit', '/users'],
};

for (const [role, paths] of Object.entries(PAGES)) {
  test(`no page of the ${role} scrolls sideways @js`, async ({ page, signIn }) => {
    await signIn(role);
    for (const path of paths) {
      await page.goto(path);
      for (const width of [320, 390, 1024, 1280, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(beyond, `${path} at ${width}`).toBeLessThanOrEqual(0);
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
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
});
