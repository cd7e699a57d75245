import { createRequire } from "node:module";
import { join, resolve } from "node:path";

/** The Chromium that npm has installed as compressed files. */
export interface PackagedChromium {
  /** Of the compressed files. */
  readonly archives: string;
  /** Of a font for code, which the package does not have. */
  readonly fonts: readonly string[];
  /** Of the unpacked files: one of each version in the cache. */
  readonly folder: string;
  readonly executablePath: string;
  readonly env: Readonly<Record<string, string>>;
}

const cache = resolve(import.meta.dirname, "../../../node_modules/.cache/stackyard-browser");

/** Returns the packaged Chromium, or undefined where it cannot run (it needs Linux x64 with glibc) or is not installed. */
export function findPackagedChromium(folder = cache): PackagedChromium | undefined {
  if (process.platform !== "linux" || process.arch !== "x64" || !hasGlibc()) return undefined;
  const chromium = findPackage("@sparticuz/chromium");
  const mono = findPackage("@expo-google-fonts/jetbrains-mono");
  if (chromium === undefined || mono === undefined) return undefined;
  const unpacked = join(folder, `${chromium.version}-${mono.version}`);
  const libraries = join(unpacked, "al2023/lib");
  const existing = process.env["LD_LIBRARY_PATH"];
  return {
    archives: join(chromium.root, "bin"),
    fonts: ["400Regular", "700Bold"].map((style) => join(mono.root, style, `JetBrainsMono_${style}.ttf`)),
    folder: unpacked,
    executablePath: join(unpacked, "chromium"),
    env: {
      // The libraries that Chromium needs and that a minimal system does not have, such as NSS.
      LD_LIBRARY_PATH: existing ? `${libraries}:${existing}` : libraries,
      // Without any font, Chromium aborts at the first <input>.
      FONTCONFIG_FILE: join(unpacked, "fonts.conf"),
    },
  };
}

function findPackage(name: string): { readonly root: string; readonly version: string } | undefined {
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    const root = join(folder, name);
    try {
      const { version } = require(join(root, "package.json"));
      return { root, version };
    } catch {
      // Not installed in this folder.
    }
  }
  return undefined;
}

function hasGlibc(): boolean {
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime !== undefined;
}
