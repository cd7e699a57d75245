import { globSync } from "node:fs";
import { join } from "node:path";
import { cruise, type ICruiseResult, type IForbiddenRuleType, type IModule } from "dependency-cruiser";
import { boundaryRules, toHouseRule } from "./boundary-rules.ts";
import { findHouses } from "./houses.ts";
import { findPublishedPackages, repositoryRoot } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";

const homes = ["packages", "apps", "tools", "examples"];
const notOurs = "(^|/)(node_modules|dist|coverage|temp|[.]nx|[.]stryker-tmp)/";

/** Returns every import of this repository that breaks a boundary, one line each. */
export async function findBoundaryProblems(root: string = repositoryRoot): Promise<string[]> {
  const rules = [...boundaryRules, toHouseRule(findHouses(root))];
  const { modules, summary } = await cruiseSources(root, rules);
  const violations = summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} → ${to}. ${rules.find((r) => r.name === rule.name)?.comment}`,
  );
  return [...violations, ...modules.flatMap(findDeepImports), ...findUnseen(root, modules)];
}

async function cruiseSources(root: string, rules: readonly IForbiddenRuleType[]): Promise<ICruiseResult> {
  const alias = findPublishedPackages(root).flatMap(({ folder, entries }) =>
    entries.map((entry) => ({ name: entry.specifier, alias: join(folder, entry.source), onlyModule: true })),
  );
  const { output } = await cruise(
    homes.filter((home) => globSync(`${home}/*`, { cwd: root }).length > 0),
    {
      baseDir: root,
      validate: true,
      ruleSet: { forbidden: rules.map((rule) => ({ severity: "error", ...rule })) },
      tsPreCompilationDeps: true,
      detectJSDocImports: false,
      exclude: { path: notOurs.replace("node_modules|", "") },
      doNotFollow: { path: "(^|/)node_modules/" },
      extraExtensionsToScan: [],
      externalModuleResolutionStrategy: "node_modules",
    },
    {
      alias,
      exportsFields: ["exports"],
      conditionNames: ["types", "import", "node", "default"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".d.ts", ".json"],
    } as Parameters<typeof cruise>[2],
  );
  if (typeof output === "string") throw new Error("dependency-cruiser gave a text instead of a result.");
  return output;
}

/** Checks that play modules of all packages read sources, whatever these export. */
const PLAYS_SOURCES = /^tools\/checks\/[^/]+\.promise\.test\.ts$/;

/** Returns relative imports into another package, which bypass its exports. */
function findDeepImports(module: IModule): string[] {
  if (PLAYS_SOURCES.test(module.source)) return [];
  const own = toPackageFolder(module.source);
  return module.dependencies
    .filter((dependency) => dependency.module.startsWith("."))
    .filter(({ resolved }) => own !== undefined && ![own, undefined].includes(toPackageFolder(resolved)))
    .map(({ resolved }) => `no-deep-imports: ${module.source} → ${resolved}. Import another package by its name only.`);
}

/** Returns a problem if dependency-cruiser 17 saw no module: it passes when it cannot read the TypeScript in use. */
function findUnseen(root: string, modules: readonly IModule[]): string[] {
  const seen = new Set(modules.map((module) => module.source));
  const sources = globSync(`{${homes.join(",")}}/*/src/**/*.{ts,tsx}`, { cwd: root })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !new RegExp(notOurs).test(path) && !path.endsWith(".d.ts"));
  const unseen = sources.filter((path) => !seen.has(path));
  const imports = modules.reduce((sum, module) => sum + module.dependencies.length, 0);
  if (sources.length > 3 && imports === 0) return [`not-read: ${sources.length} source files, but no import seen.`];
  return unseen.map((path) => `not-read: ${path} was not seen by dependency-cruiser.`);
}

function toPackageFolder(path: string): string | undefined {
  return new RegExp(`^(?:${homes.join("|")})/[^/]+(?=/)`).exec(path)?.[0];
}

if (import.meta.main) reportAndExit("boundaries", await findBoundaryProblems());
