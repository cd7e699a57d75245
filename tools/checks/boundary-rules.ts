import { builtinModules } from "node:module";
import type { IForbiddenRuleType } from "dependency-cruiser";
import type { House, HousedWorkspace } from "./houses.ts";

/** Files that do not belong to a build: tests of all kinds, their fixtures, benchmarks and configuration. */
const testFiles = String.raw`(\.(test|test-d|bench)\.tsx?$|/(e2e|fixtures)/|\.config\.ts$)`;
const anyBuiltin = `^(node:)?(${builtinModules.filter((name) => !name.startsWith("_")).join("|")})$|^node:`;
const sharedOfConsole = "app|api|bulk|design|text|graph|log|machine";
const plugins = "executor|store|transport";
const ofCli =
  "cli|core|aws|sdk|server|store-sqlite|telemetry|executor-terraform|executor-lambda|executor-command|promotion";

/** Which part may import which, as dependency-cruiser checks it. The comment is what a person reads on a violation. */
export const boundaryRules: readonly IForbiddenRuleType[] = [
  {
    name: "no-cycles",
    comment: "Modules that import each other cannot be read one at a time. Move what both need into a third.",
    from: {},
    to: { circular: true },
  },
  {
    name: "nothing-unresolvable",
    comment: "The import leads nowhere: a missing file, or a path that the other package does not export.",
    from: { pathNot: "/fixtures/" },
    to: { couldNotResolve: true },
  },
  {
    name: "core-stands-alone",
    comment: "core imports no other package of the repository, because all others depend on it.",
    from: { path: "^packages/core/" },
    to: { path: "^packages/(?!core/)" },
  },
  {
    name: "machine-is-pure",
    comment:
      "What decides (machine, aggregate, attempt, simulation) imports only itself, access, errors, the types of the ports, yaml, typebox, @noble/hashes, cel-js and re2js.",
    from: { path: "^packages/core/src/(machine|aggregate|attempt|simulation|errors)/", pathNot: testFiles },
    to: {
      path: ".",
      pathNot: [
        "^packages/core/src/(machine|aggregate|attempt|simulation|access|errors|ports)/",
        "(^|/)node_modules/(yaml|typebox|@noble/hashes|@marcbachmann/cel-js|re2js)/",
      ],
    },
  },
  {
    name: "machine-alone",
    comment: "The machine knows no stores, ports or engine: within core it imports only itself, access and errors.",
    // The browser entry also exports the simulation.
    from: { path: "^packages/core/src/machine/", pathNot: [testFiles, "^packages/core/src/machine/index[.]ts$"] },
    to: { path: "^packages/core/src/(?!machine|access|errors)" },
  },
  {
    name: "plugins-apart",
    comment: "Executors, stores and transports never import each other: a user picks any set of them.",
    from: { path: `^packages/((?:${plugins})-[^/]+)/`, pathNot: "/e2e/" },
    to: { path: `^packages/(?:${plugins})-`, pathNot: "^packages/$1/" },
  },
  {
    name: "packages-below-apps",
    comment:
      "A package imports no app, tool or example; its tests may use tools. What core has for tests is published.",
    from: { path: "^packages/", pathNot: [testFiles, "^packages/(?!core/)[^/]+/src/testing/"] },
    to: { path: "^(apps|tools|examples)/" },
  },
  {
    name: "testing-only-in-tests",
    comment: "What is under src/testing never reaches production code.",
    from: { path: "^(packages|apps|examples)/", pathNot: [testFiles, "/src/testing/"] },
    to: { path: "^packages/[^/]+/src/testing/" },
  },
  {
    name: "cli-stays-small",
    comment: `The command line depends on ${ofCli.replaceAll("|", ", ")} only; the rest are plugins of a project.`,
    from: { path: "^packages/cli/", pathNot: testFiles },
    to: { path: "^packages/", pathNot: `^packages/(${ofCli})/` },
  },
  {
    name: "browser-entries",
    comment: "The sdk's main entry and core's machine run in a browser: no Node module may be reachable from them.",
    from: { path: String.raw`^packages/(sdk/src/index\.ts|core/src/machine/index\.ts)$` },
    to: { path: anyBuiltin, reachable: true },
  },
  {
    name: "screens-apart",
    comment:
      "A screen of the console imports the shared folders (app, api, bulk, design, text, graph, log, machine, runs) and no other screen.",
    from: { path: `^packages/console/src/(?!(?:${sharedOfConsole}|testing)/)([^/]+)/`, pathNot: testFiles },
    to: {
      path: "^packages/console/src/[^/]+/",
      // What all pages of what runs share imports no screen either. A bundle's file is shown with the screens of a stack and
      // of a fleet, and a release, which is a stack, has its board.
      pathNot: `^packages/console/src/(?:$1|${sharedOfConsole}|runs)/|^packages/console/src/(stack/(source|stack-view)|fleet/fleet-of-file|releases/boards)[.]`,
    },
  },
  {
    name: "console-decides-nothing",
    comment:
      "Only src/machine of the console, which runs in a worker, imports core's machine; other folders use its types.",
    from: { path: "^packages/console/src/(?!machine/)", pathNot: testFiles },
    to: { path: "^packages/core/src/machine/", dependencyTypesNot: ["type-only"] },
  },
  {
    name: "definitions-without-sdk",
    comment:
      "A plugin's definition is read by the engine, the validator and the editor: no SDK may be reachable from it.",
    from: { path: String.raw`^packages/[^/]+/src/definition\.ts$` },
    to: { path: "node_modules/(@aws-sdk|@smithy|aws-sdk)/", reachable: true },
  },
  {
    name: "functions-without-api-schemas",
    comment:
      "The schemas of the API are 44 kB, which each start of a function that is bundled from the packages would read. Import their types; a value that both need belongs to the root of core.",
    from: {
      path: "^packages/(?!core/|server/|cli/|sdk/|mcp/|console/)[^/]+/src/",
      pathNot: testFiles,
    },
    to: { path: "^packages/core/src/api/", dependencyTypesNot: ["type-only"] },
  },
];

/** The rule between the two houses: what belongs to which is read from the tags of the workspaces. */
export function toHouseRule(workspaces: readonly HousedWorkspace[]): IForbiddenRuleType {
  const foldersOf = (house: House): string =>
    workspaces
      .filter(({ houses }) => houses.includes(house))
      .map(({ folder }) => folder)
      .join("|");
  return {
    name: "houses-apart",
    comment:
      "The yard runs without the products for AWS and imports none of them; its pages read what plugins publish for that: definitions, and the report of a fleet.",
    from: { path: `^(${foldersOf("yard")})/src/`, pathNot: [testFiles, "/src/testing/"] },
    to: {
      path: `^(${foldersOf("aws") || "none"})/`,
      pathNot: "/src/definition[.]ts$|^packages/executor-runcommand/src/report/",
    },
  };
}
