import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../../rare");

/** Returns the `node_modules` with the tools that only a few tests use. The first call on a machine installs them. */
export function installRareTools(): string {
  const modules = join(folder, "node_modules");
  if (!existsSync(join(modules, ".package-lock.json"))) {
    const options = ["install", "--ignore-scripts", "--prefer-offline"];
    execFileSync("npm", options, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  }
  return modules;
}
