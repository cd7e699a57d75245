// Stackyard is on no package registry, so an installation by name installs what a stranger published under that name. Until
// the names are ours, every text says to install from a clone or from the bundle.

const NAME = String.raw`(?:stackyard|@stackyard\/[a-z-]+)(?:@[\w.^~-]+)?`;
const END = String.raw`(?![\w./-])`;
const WAYS: readonly RegExp[] = [
  new RegExp(
    String.raw`\b(?:npm|pnpm|yarn|bun) (?:install|i|add|exec|x|dlx|create|init)(?: [\w@./=:^~-]+)*? ${NAME}${END}`,
    "g",
  ),
  // Where nothing is installed yet, npx fetches what it runs.
  /\b(?:npx|bunx|pnpm dlx|yarn dlx) (?:-(?!-no )\S+ )*(?:stackyard@\S+|@stackyard\/\S+|stackyard init\b)/g,
  // In CI, npx does not ask before it does so.
  /^[ ]*- (?:run: )?npx stackyard\b.*$/gm,
];

/** An install of one of our packages by its name. */
export interface InstallByName {
  readonly line: number;
  readonly text: string;
}

/** Returns the places in a text that instruct a reader, or a machine, to get our packages from a registry. */
export function findInstallsByName(text: string): readonly InstallByName[] {
  return WAYS.flatMap((way) =>
    [...text.matchAll(way)].map(({ 0: found, index }) => ({
      line: text.slice(0, index).split("\n").length,
      text: found.trim(),
    })),
  ).sort((a, b) => a.line - b.line);
}
