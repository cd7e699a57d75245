import type { Table } from "../report.ts";
import { median, toSpread } from "../side-by-side/statistics.ts";
import type { Engine, Form, Width } from "./engine.ts";
import type { EngineFigures } from "./measure-engine.ts";

const FORM_TITLES: Readonly<Record<Form, string>> = {
  chain: "a job is one task of ten in a chain",
  once: "a job is an event, its task and its result",
};
const WIDTH_TITLES: Readonly<Record<Width, string>> = { "10": "ten at a time", max: "as many as possible" };

/** Returns a table for each form and setting, what a job costs before the rates, and one of the settings. Pure. */
export function toEngineTables(engines: readonly Engine[], figures: readonly EngineFigures[]): readonly Table[] {
  const groups = Map.groupBy(engines, ({ form, width }) => `${FORM_TITLES[form]}, ${WIDTH_TITLES[width]}`);
  const measured = [...groups].map(([title, group]) => toCostTable(title, group, figures));
  return [...measured.filter(({ rows }) => rows.length > 0), toSettingsTable(engines)];
}

function toCostTable(title: string, engines: readonly Engine[], figures: readonly EngineFigures[]): Table {
  const ofEngine = (engine: Engine) => figures.filter((each) => each.engine === engine.id);
  const own = engines.find(({ id }) => id.startsWith("stackyard-"));
  const ours = own === undefined ? [] : ofEngine(own);
  return {
    title: `Per job: ${title}`,
    head: [
      "engine",
      "CPU µs: program",
      "server",
      "log bytes",
      "kept bytes",
      "commits",
      "cores busy",
      "jobs a second",
      "Stackyard's rate is",
    ],
    rows: engines.flatMap((engine) => {
      const found = ofEngine(engine);
      return found.length === 0
        ? []
        : [[engine.family, ...toCells(found), engine === own ? "–" : toRatio(ours, found)]];
    }),
  };
}

function toCells(found: readonly EngineFigures[]): readonly string[] {
  const middle = (of: (figures: EngineFigures) => number) => median(found.map(of));
  const [first] = found;
  const known = (value: number | undefined, of: (figures: EngineFigures) => number, digits: number) =>
    value === undefined ? "–" : toText(middle(of), digits);
  const { median: rate, least, most } = toSpread(found.map(({ jobsPerSecond }) => jobsPerSecond));
  return [
    toText(middle(({ programCpuMicroseconds }) => programCpuMicroseconds)),
    toText(middle(({ serverCpuMicroseconds }) => serverCpuMicroseconds)),
    toText(middle(({ logBytes }) => logBytes)),
    known(first?.keptBytes, ({ keptBytes = Number.NaN }) => keptBytes, 0),
    known(first?.commits, ({ commits = Number.NaN }) => commits, 2),
    `${toText(middle(({ coresBusy }) => coresBusy) * 100)} %`,
    found.length === 1 ? toText(rate) : `${toText(rate)} (${toText(least)}–${toText(most)})`,
  ];
}

/** Round by round: what slowed one down slowed both down. */
function toRatio(ours: readonly EngineFigures[], theirs: readonly EngineFigures[]): string {
  const ratios = ours.flatMap(({ jobsPerSecond }, round) => {
    const peer = theirs[round];
    return peer === undefined ? [] : [jobsPerSecond / peer.jobsPerSecond];
  });
  return ratios.length === 0 ? "–" : `${toText(median(ratios), 2)} ×`;
}

function toSettingsTable(engines: readonly Engine[]): Table {
  const settings = new Map(
    engines.map(({ family, width, settings: text }) => [`${family} ${width}`, { family, width, text }]),
  );
  return {
    title: "Settings; a job's result is synced to the disk before the next begins",
    head: ["engine", "at a time", "settings"],
    rows: [...settings.values()].map(({ family, width, text }) => [family, width, text]),
  };
}

function toText(value: number, digits = 0): string {
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
