// The browser of the machine; Playwright's own is not downloaded.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

function installed() {
  const directories = (process.env.PATH ?? '').split(delimiter);
  const candidates = NAMES.flatMap((name) => directories.map((directory) => join(directory, name)));
  const found = [process.env.CHROMIUM, ...candidates].find((path) => path && existsSync(path));
  if (!found) throw new Error('no browser: install Chromium or Chrome, or name one in CHROMIUM');
  return found;
}

export const browser = {
  executablePath: installed(),
  headless: true,
  args: [
    '--no-sandbox', // Chromium as root, in a container, has no other way
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};
