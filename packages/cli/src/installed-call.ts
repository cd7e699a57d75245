import { formatInstall, type OwnSource } from "./own-packages.ts";

/**
 * Returns how the command line that a project has installed is called, in everything that is printed or written for people. `--no` keeps
 * npx from a registry: where nothing is installed it fails, and never runs a stranger's package of that name.
 */
export function formatCall(command: string): string {
  return `npx --no ${command}`;
}

/**
 * Returns the scripts of a new project, before each of them one that ends with our own message where the command line is not installed,
 * or is a link into a clone that was moved. Nothing of ours is there then, so Node runs it from the script itself.
 */
export function withInstallCheck(
  scripts: Readonly<Record<string, string>>,
  names: readonly string[],
  source: OwnSource,
): Readonly<Record<string, string>> {
  const text = `error Stackyard is not installed in this project. Run: npm install${toMoved(names, source)}`;
  // In double quotes for every shell, so without a backtick, a dollar sign or another double quote.
  const check = `node -e "try{require.resolve('stackyard/package.json')}catch{console.error('${text}');process.exit(3)}"`;
  const pairs = Object.entries(scripts).map(([name, script]) => ({ [`pre${name}`]: check, [name]: script }));
  return Object.assign({}, ...pairs);
}

function toMoved(names: readonly string[], { kind }: OwnSource): string {
  if (kind !== "clone") return "";
  const install = formatInstall(names, { kind, packages: "CLONE/packages" });
  return `. After a move of the clone, first, with its new folder as CLONE: ${install}`;
}
