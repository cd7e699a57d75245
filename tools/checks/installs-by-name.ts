// Stackyard is on no package registry, so an installation by name installs what a stranger published under that name. Until
// the names are ours, every text says to install from a clone or from the bundle.

const NAME = String.raw`(?:stackyard|@stackyard\/[a-z-]+)(?:@[\w.^~-]+)?`;
const END = String.raw`(?![\w./-])`;
const WAYS: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:npm|pnpm|yarn|bun) (?:install|i|add|exec|x|create|init)(?: [\w@./=:^~-]+)*? ${NAME}${END}`,
    "g",
  ),
  // Where nothing is installed, npx and its like fetch what they run; without a terminal they do not even ask.
  /\b(?:npx|bunx|pnpm dlx|yarn dlx) (?:-\S+ )*(?:stackyard|@stackyard\/[a-z-]+)(?:@[\w.^~-]+)?(?![\w./-])/g,
  // A command that is printed with a value for its name.
  /\bnpx (?:-\S+ )*\$\{/g,
  /"npx"[^\n\]]*\[[^\]]*"(?:stackyard|@stackyard\/[a-z-]+)(?:@[^"]*)?"/g,
];

/**
 * What runs only what is installed: `formatCall` of the command line prints it. With `--` an option behind the name is the program's; without it,
 * npx takes `--version` for its own.
 */
const INSTALLED = /^npx --no (?:-- )?(?:stackyard|\$\{)$|"args": \["--no", "stackyard"$/;

/** An install of one of our packages by its name. */
export interface InstallByName {
  readonly line: number;
  readonly text: string;
}

/** Returns the places in a text that instruct a reader, or a machine, to get our packages from a registry, or to run what may come from there. */
export function findInstallsByName(text: string): readonly InstallByName[] {
  return WAYS.flatMap((way) =>
    [...text.matchAll(way)]
      .filter(([found]) => !INSTALLED.test(found))
      .map(({ 0: found, index }) => ({ line: text.slice(0, index).split("\n").length, text: found.trim() })),
  ).sort((a, b) => a.line - b.line);
}
