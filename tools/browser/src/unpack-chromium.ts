import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { PackagedChromium } from "./packaged-chromium.ts";

const run = promisify(execFile);

// Relative to this file, because it is written in the temporary folder. The package has one font, which is not for code.
const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <alias><family>monospace</family><prefer><family>JetBrains Mono</family></prefer></alias>
</fontconfig>
`;

/**
 * Unpacks Chromium into its folder (about 210 MB, some seconds) unless it is there. The folder appears at once and
 * complete, also when several processes unpack at the same time: the first one to finish wins.
 */
export async function unpackChromium(chromium: PackagedChromium): Promise<void> {
  if (existsSync(chromium.folder)) return;
  const cache = dirname(chromium.folder);
  await mkdir(cache, { recursive: true });
  const temporary = await mkdtemp(join(cache, `.${basename(chromium.folder)}-`));
  try {
    // The package always unpacks into the folder for temporary files, of which only another process can have another.
    await run(process.execPath, [join(import.meta.dirname, "unpack-process.ts"), chromium.archives], {
      env: { ...process.env, TMPDIR: temporary },
    });
    for (const font of chromium.fonts) await copyFile(font, join(temporary, "fonts", basename(font)));
    await writeFile(join(temporary, "fonts.conf"), FONTS_CONF);
    await rename(temporary, chromium.folder);
  } catch (error) {
    if (!existsSync(chromium.folder)) throw error;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
