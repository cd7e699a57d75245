#!/usr/bin/env node
import { existsSync } from "node:fs";

const toUrl = (path) => new URL(`../${path}`, import.meta.url);

// npm links this file when it installs a clone of the repository, before anything is built. Only a clone has the sources.
if (existsSync(toUrl("src/bin.ts"))) {
  const { prepareClone } = await import(toUrl("../../tools/checks/prepare-clone.js"));
  await prepareClone(toUrl("dist/bin.js"));
}
await import(toUrl("dist/bin.js"));
