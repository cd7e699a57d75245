import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import type { PackageEntry } from "./package-entries.ts";
import { findPublishedPackages, type PublishedPackage, repositoryRoot } from "./published-packages.ts";
import { reportAndExit } from "./report.ts";

/**
 * The entries that programs of users import: to publish events and artifacts, and to write plugins, machines and their tests. A change of
 * these is reviewed as a report; what only other packages of this repository import is held by its callers' types.
 */
const REPORTED: ReadonlySet<string> = new Set([
  "stackyard",
  "@stackyard/core",
  "@stackyard/core/machine",
  "@stackyard/core/testing",
  "@stackyard/sdk",
  "@stackyard/sdk/artifacts",
  "@stackyard/sdk/commands",
  "@stackyard/sdk/jobs",
  "@stackyard/sdk/queue",
  "@stackyard/sdk/releases",
  "@stackyard/sdk/send",
  "@stackyard/cdk",
]);

interface CheckOptions {
  readonly write: boolean;
  /** Has read the declarations of all packages: they share most of what they import. */
  readonly compilerState: CompilerState;
}

/**
 * Compares the public API of the reported entries with `packages/<p>/etc/<entry>.api.md`, or writes those files with `--write`.
 * Reads the built declarations, so `npm run build` comes first.
 */
function checkPackage(unit: PublishedPackage, { write, compilerState }: CheckOptions): string[] {
  const etc = join(unit.folder, "etc");
  const reported = unit.entries.filter(({ specifier }) => REPORTED.has(specifier));
  if (reported.length === 0 && !existsSync(etc)) return [];
  mkdirSync(etc, { recursive: true });
  const reports = reported.map((entry) => `${entry.name}.api.md`);
  const stale = readdirSync(etc).filter((file) => file.endsWith(".api.md") && !reports.includes(file));
  if (write) for (const file of stale) rmSync(join(etc, file));
  return [
    ...reported.flatMap((entry) => checkEntry(unit, entry, { write, compilerState })),
    ...(write ? [] : stale.map((file) => `${relative(repositoryRoot, join(etc, file))} belongs to no entry.`)),
  ];
}

function checkEntry(unit: PublishedPackage, entry: PackageEntry, { write, compilerState }: CheckOptions): string[] {
  const declarations = toDeclarations(unit, entry);
  if (!existsSync(declarations)) return [`${entry.specifier} is not built.`];
  const temp = mkdtempSync(join(tmpdir(), "api-report-"));
  const problems: string[] = [];
  const result = Extractor.invoke(toConfig({ unit, entry, declarations, temp }), {
    localBuild: write,
    compilerState,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) problems.push(`${entry.specifier}: ${message.text}`);
      message.handled = true;
    },
  });
  rmSync(temp, { recursive: true });
  if (result.apiReportChanged && write) console.log(`  wrote the report of ${entry.specifier}`);
  if (!result.apiReportChanged || write) return problems;
  return [...problems, `The public API of ${entry.specifier} changed: run "npm run api" and review the difference.`];
}

function toDeclarations(unit: PublishedPackage, entry: PackageEntry): string {
  return join(unit.folder, entry.built.replace(/\.js$/, ".d.ts"));
}

interface ReportInput {
  readonly unit: PublishedPackage;
  readonly entry: PackageEntry;
  readonly declarations: string;
  readonly temp: string;
}

function toConfig({ unit, entry, declarations, temp }: ReportInput): ExtractorConfig {
  const silent = { logLevel: ExtractorLogLevel.None };
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(unit.folder, "package.json"),
    configObject: {
      projectFolder: unit.folder,
      mainEntryPointFilePath: declarations,
      newlineKind: "lf" as never,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            module: "nodenext",
            target: "es2024",
            lib: ["es2024"],
            types: ["node"],
            skipLibCheck: true,
          },
          files: [declarations],
        },
      },
      apiReport: {
        enabled: true,
        reportFolder: join(unit.folder, "etc"),
        reportTempFolder: temp,
        reportFileName: entry.name,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: silent },
        tsdocMessageReporting: { default: silent },
      },
    },
  });
}

if (import.meta.main) {
  const write = process.argv.includes("--write");
  const units = findPublishedPackages();
  const entries = units
    .flatMap((unit) => unit.entries.map((entry) => ({ unit, entry })))
    .filter(({ entry }) => REPORTED.has(entry.specifier));
  const [first] = entries.map((each) =>
    toConfig({ ...each, declarations: toDeclarations(each.unit, each.entry), temp: tmpdir() }),
  );
  if (first === undefined) throw new Error("No packages found.");
  const compilerState = CompilerState.create(first, {
    additionalEntryPoints: entries
      .map(({ unit, entry }) => toDeclarations(unit, entry))
      .filter((file) => existsSync(file)),
  });
  reportAndExit(
    "api",
    units.flatMap((unit) => checkPackage(unit, { write, compilerState })),
  );
}
