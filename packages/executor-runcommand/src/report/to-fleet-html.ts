import type { FleetInstanceReport, FleetReportPage } from "../fleet-report.ts";
import { toCauseSection } from "./cause-section.ts";
import { FLEET_STYLE } from "./fleet-style.ts";
import { type Html, html, toClass } from "./html-text.ts";
import { toInstanceTable } from "./instance-table.ts";
import { toRoleSection } from "./role-section.ts";
import { listRunFacts, tellVerdict } from "./tell-run.ts";
import { type FleetReport, isFailing, STANDINGS, toFleetReport } from "./to-fleet-report.ts";

/** What a page tells besides the report. */
export interface FleetHtmlOptions {
  /** Why the run has failed as a whole. */
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * A run's report as one HTML page for somebody who has never seen one: it loads nothing, runs nothing, and whatever
 * instances have said is text. Failing instances come first, with the end of their output.
 */
export function toFleetHtml(pages: readonly FleetReportPage[], { error }: FleetHtmlOptions = {}): string {
  const report = toFleetReport(pages);
  const title = `Fleet run ${report.runId}`;
  const { markup } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>${FLEET_STYLE}</style>
</head>
<body>
<main>
${toHeader(report, error)}
${toCauseSection(report)}
${toRoleSection(report)}
${toInstanceSections(report)}
${GLOSSARY}
</main>
</body>
</html>
`;
  return markup;
}

function toHeader(report: FleetReport, error: FleetHtmlOptions["error"]): Html {
  const { standings, instances } = report;
  const isBad = error !== undefined || standings.failed + standings.cancelled + standings["not sent"] > 0;
  const facts = listRunFacts(report).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
  const counts = STANDINGS.filter((standing) => standings[standing] > 0).map(
    (standing) => html`<li class="${toClass(standing)}"><b>${standings[standing]}</b> ${standing}</li>`,
  );
  return html`<header>
<p class="kind">Fleet run</p>
<h1 class="${isBad ? "bad" : "good"}">${error !== undefined && instances.length === 0 ? "The run has failed." : tellVerdict(report)}</h1>
${error === undefined ? html`` : html`<p><code>${error.code}</code> ${error.message}</p>\n`}<ul class="counts">${counts}</ul>
<dl>${facts}</dl>
</header>`;
}

function toInstanceSections({ instances, causes }: FleetReport): Html {
  const failing = instances.filter(isFailing);
  const others = instances.filter((instance) => !isFailing(instance));
  const parts = [
    ...(causes.length === 0 ? [] : [toSection("Instances that failed", failing)]),
    ...(others.length === 0 ? [] : [toSection(failing.length === 0 ? "Instances" : "The other instances", others)]),
  ];
  return html`${parts}`;
}

function toSection(heading: string, instances: readonly FleetInstanceReport[]): Html {
  return html`<section>
<h2>${heading} <span class="count">${instances.length}</span></h2>
${toInstanceTable(instances)}
</section>`;
}

const GLOSSARY = html`<footer>
<h2>Words of this page</h2>
<dl>
<dt>Run</dt><dd>One command, such as the configuration of a new version, sent to the instances of a fleet over AWS Systems Manager.</dd>
<dt>Role</dt><dd>What an instance is for, as its tag says. An instance with two roles counts under both.</dd>
<dt>Failed</dt><dd>The command ended badly, did not end in time, or could not be delivered.</dd>
<dt>Cancelled</dt><dd>It was stopped before its end.</dd>
<dt>Not sent</dt><dd>The run had stopped before the turn of the instance came, which is as it was.</dd>
<dt>Waiting, running</dt><dd>Its turn has not come yet; it works on the command.</dd>
<dt>Skipped</dt><dd>It was looked at and is no part of this run; the reason stands beside it.</dd>
</dl>
<p>All times are in UTC. Output is the end of what the command said; where it is cut, the page says so. Treat it as confidential.</p>
</footer>`;
