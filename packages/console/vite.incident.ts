import { createHash } from "node:crypto";
import { join } from "node:path";
import type { InlineConfig, Plugin, Rolldown } from "vite";
import { sourceAliases } from "../../vite.base.ts";

/** The place that a server replaces by the bundle of a stack, as JSON without any `<`. */
const PLACE = "__BUNDLE__";

/**
 * Returns the build of the page of an incident: one file with its script and its styles, which loads nothing. Its policy
 * runs that script only, so that a text of the bundle that became markup would not run.
 */
export function incidentBuild(outDir: string): InlineConfig {
  const src = join(import.meta.dirname, "src");
  return {
    configFile: false,
    root: import.meta.dirname,
    logLevel: "warn",
    resolve: {
      alias: [
        // A file has no address that a worker could be loaded from.
        { find: /^\.\/load-layout\.ts$/, replacement: join(src, "graph/layout-here.ts") },
        { find: /^\.\/live\.ts$/, replacement: join(src, "bundle/no-live.ts") },
        ...sourceAliases,
      ],
    },
    plugins: [oneFile()],
    build: {
      outDir,
      emptyOutDir: false,
      target: "es2022",
      cssCodeSplit: false,
      modulePreload: false,
      rollupOptions: {
        input: join(src, "bundle/incident-main.tsx"),
        output: { format: "iife" },
        onwarn(warning, warn) {
          // Vite's helper reads `import.meta` to load a further file, and this page has none.
          if (!["MODULE_LEVEL_DIRECTIVE", "EMPTY_IMPORT_META"].includes(warning.code ?? "")) warn(warning);
        },
      },
    },
  };
}

/** Replaces the files of the build by one page. */
function oneFile(): Plugin {
  return {
    name: "one-file",
    apply: "build",
    enforce: "post",
    generateBundle(_, files) {
      const all = Object.values(files);
      const scripts = all.flatMap((file) => (file.type === "chunk" ? [file.code] : []));
      const styles = all.flatMap((file) =>
        file.type === "asset" && file.fileName.endsWith(".css") ? [toText(file)] : [],
      );
      const others = all.filter(({ type, fileName }) => type === "asset" && !fileName.endsWith(".css"));
      const [script = "", ...more] = scripts;
      if (more.length > 0 || others.length > 0)
        throw new Error("The page of an incident must be one script and its styles.");
      for (const { fileName } of all) delete files[fileName];
      this.emitFile({ type: "asset", fileName: "incident.html", source: toPage(script.trim(), styles.join("\n")) });
    },
  };
}

function toText({ source }: Rolldown.OutputAsset): string {
  return typeof source === "string" ? source : Buffer.from(source).toString("utf8");
}

function toPage(script: string, style: string): string {
  // Either would end the script, or keep it from ending, whatever the string is in which it stands.
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
    throw new Error("The script or the styles end themselves.");
  if (`${script}${style}`.includes(PLACE)) throw new Error(`The place of the bundle, ${PLACE}, must be there once.`);
  // React Aria adds styles of its own, with this nonce.
  const nonce = createHash("sha256").update(style).digest("base64url");
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src 'nonce-${nonce}'`,
    "img-src data: blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types default",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta property="csp-nonce" nonce="${nonce}">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Stackyard. Licenses of what it contains: LICENSES.md of @stackyard/console">
<title>Stackyard</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
<div id="root"></div>
<noscript>This page needs JavaScript, which it contains. It loads nothing. What it shows is the JSON in its source.</noscript>
<script type="application/json" id="bundle">${PLACE}</script>
<script>${script}</script>
</body>
</html>
`;
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
