// Every spec runs twice, with JavaScript and without: pages are links and forms first. A test that needs an island
// carries the tag @js.
import { defineConfig } from '@playwright/test';
import { browser } from './browser.mjs';

export default defineConfig({
  testDir: 'tests',
  testMatch: '*.spec.mjs',
  globalSetup: './server.mjs',
  outputDir: 'test-results',
  workers: 1, // one company's data is shared by all tests
  forbidOnly: Boolean(process.env.CI),
  timeout: 30_000,
  reporter: [['list'], ['./summary.mjs']],
  use: {
    launchOptions: browser,
    viewport: { width: 1440, height: 900 },
    locale: 'en-US',
    timezoneId: 'UTC',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'js' },
    { name: 'no-js', grepInvert: /@js/, use: { javaScriptEnabled: false } },
  ],
});
