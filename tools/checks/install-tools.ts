import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findMissingPeers } from "./missing-peers.ts";
import { repositoryRoot } from "./published-packages.ts";

// Installs what only checks, releases and benchmarks need, and what `npm install` therefore leaves out: the peer dependencies in
// package-lock.json (`omit=peer` in .npmrc), and Node 22, which `npm test` does not need (`--first`). Returns at once when everything
// is there.

const node22 = join(repositoryRoot, "tools/checks/node-22");
const missing = findMissingPeers(JSON.parse(readFileSync(join(repositoryRoot, "package-lock.json"), "utf8")), (path) =>
  existsSync(join(repositoryRoot, path)),
);
if (missing.length > 0) {
  console.log(`Installing ${missing.length} packages that only checks, releases and benchmarks need …`);
  install(repositoryRoot, "--include=peer");
}
if (!process.argv.includes("--first") && !existsSync(join(node22, "node_modules/node/bin/node"))) {
  console.log("Installing Node 22, the oldest supported version …");
  install(node22);
}

function install(cwd: string, ...options: readonly string[]): void {
  try {
    execFileSync("npm", ["install", ...options], { cwd, stdio: "inherit" });
  } catch {
    console.error(`error The tools could not be installed. Run this by hand: npm install ${options.join(" ")}`.trim());
    process.exit(1);
  }
}
