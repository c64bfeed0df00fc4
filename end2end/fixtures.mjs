// What the specs share: `import { expect, test } from '../fixtures.mjs'`.
//   demo                    the demo's demo.json: url, api_key, logins, simulators
//   signIn(role)            signs the page in as the demo's user of that role
//   expectAccessible()      fails on what axe finds in the page (nothing to do without JavaScript: the page is the same)
// A page that logs an error or a warning in the browser fails its test.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test as base } from '@playwright/test';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// without JavaScript the client is preloaded and rightly never used
const HARMLESS = /was preloaded using link preload but not used/;

export const test = base.extend({
  demo: [async ({}, use) => use(JSON.parse(process.env.TIEOUT_DEMO)), { scope: 'worker' }],

  baseURL: async ({ demo }, use) => use(demo.url),

  page: async ({ page }, use) => {
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type()) && !HARMLESS.test(message.text())) complaints.push(message.text());
    });
    await use(page);
    expect(complaints, 'the browser complains').toEqual([]);
  },

  signIn: async ({ page, demo }, use) => {
    await use(async (role) => {
      const login = demo.logins[role];
      if (!login) throw new Error(`the demo has no ${role}, only ${Object.keys(demo.logins).join(', ')}`);
      await page.goto('/login');
      await page.getByLabel('E-mail').fill(login.email);
      await page.getByLabel('Password').fill(login.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page).not.toHaveURL(/\/login/);
    });
  },

  expectAccessible: async ({ page, javaScriptEnabled }, use) => {
    await use(async () => {
      if (javaScriptEnabled === false) return;
      await page.evaluate(AXE);
      const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), RULES);
      const found = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.map((node) => node.html).join('\n    ')}`);
      expect(found, 'axe finds').toEqual([]);
    });
  },
});

export { expect };
