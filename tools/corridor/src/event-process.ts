import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const packages = new URL("../../../packages/", import.meta.url);

/** Returns the source of a package's entry: the one built as `dist/x.js` is written in `src/x.ts`. */
function findSource(specifier: string): string | undefined {
  const [, folder, subpath = ""] = /^@stackyard\/([^/]+)(\/.+)?$/.exec(specifier) ?? [];
  if (folder === undefined) return undefined;
  const manifest = JSON.parse(readFileSync(new URL(`${folder}/package.json`, packages), "utf8"));
  const built: string = manifest.exports[`.${subpath}`].default;
  const source = built.replace("./dist/", "./src/").replace(/\.js$/, ".ts");
  return new URL(source, new URL(`${folder}/`, packages)).href;
}

// The sources of all packages take the place of what is built, so the files that are counted are those that people read.
registerHooks({
  resolve(specifier, context, next) {
    const url = findSource(specifier);
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});

const { runEvent } = await import("./run-event.ts");
await runEvent(process.argv[2] === "http");
