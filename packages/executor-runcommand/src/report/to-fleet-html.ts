import { escapeHtml, toShellCommand } from "@stackyard/core";
import type { FleetInstanceReport, FleetReportPage } from "../report-page.ts";
import {
  explainCode,
  explainSaid,
  type FailureCause,
  type FleetReport,
  type FleetReportOptions,
  formatVerdict,
  isFailing,
  listRunFacts,
  type RoleCounts,
  STANDINGS,
  standingOf,
  toCleanText,
  toExit,
  toFleetReport,
  toInstant,
  toLength,
} from "./to-fleet-report.ts";

/** The content of a page in addition to the report. */
export interface FleetHtmlOptions extends FleetReportOptions {
  /** Why the run has failed as a whole. */
  readonly error?: { readonly code: string; readonly message: string };
}

/**
 * Formats a run's report as one HTML page for readers who have never seen one: it loads nothing, runs nothing, and all
 * output of instances is text. Failed instances come first, with the end of their output.
 */
export function toFleetHtml(pages: readonly FleetReportPage[], options: FleetHtmlOptions = {}): string {
  const { error } = options;
  const report = toFleetReport(pages, options);
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
<h1 class="${isBad ? "bad" : "good"}">${error !== undefined && instances.length === 0 ? "The run has failed." : formatVerdict(report)}</h1>
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
<dt>Unknown</dt><dd>It worked on the command when the run ended, which has not seen its end.</dd>
<dt>Waiting, running</dt><dd>Its turn has not come yet; it works on the command.</dd>
<dt>Skipped</dt><dd>It was looked at and is no part of this run; the reason stands beside it.</dd>
</dl>
<p>All times are in UTC. Output is the end of what the command said; where it is cut, the page says so. Treat it as confidential.</p>
</footer>`;

/** Renders why instances failed, what that means, and what to do: the first question of a reader. */
function toCauseSection({ causes, runId, endedAt }: FleetReport): Html {
  if (causes.length === 0) return html``;
  return html`<section>
<h2>Why they failed</h2>
<ol class="causes">
${causes.map(toCauseItem)}
</ol>
${endedAt === undefined ? html`` : html`<p>To run it again on exactly these instances: <code>${toShellCommand`stackyard fleet retry ${runId}`}</code></p>`}
</section>`;
}

const SHOWN = 3;

function toCauseItem({ code, responseCode, instanceIds, example }: FailureCause): Html {
  const known = explainSaid(example) ?? explainCode(code);
  const exit = responseCode === undefined || responseCode === -1 ? "" : `, exit code ${responseCode}`;
  const count = instanceIds.length === 1 ? "1 instance" : `${instanceIds.length} instances`;
  return html`<li>
<h3>${count}: <code>${code}</code>${exit}</h3>
${known === undefined ? html`` : html`<p>${toRichText(known.meaning)} <strong>What to do:</strong> ${toRichText(known.advice)}</p>`}
${example === undefined ? html`` : html`<pre>${example}</pre>`}
<p class="quiet">${instanceIds.length > SHOWN ? "Such as " : ""}${toIds(instanceIds.slice(0, SHOWN))}</p>
</li>`;
}

function toIds(instanceIds: readonly string[]): readonly Html[] {
  return instanceIds.map((id, index) => html`${index === 0 ? "" : ", "}<code>${id}</code>`);
}

/** Renders the states of the instances by role, as a table with a bar for each role. */
function toRoleSection({ roles, standings, instances }: FleetReport): Html {
  if (instances.length === 0) return html``;
  const shown = STANDINGS.filter((standing) => standings[standing] > 0);
  const all = { role: undefined, counts: standings, total: instances.length };
  const toCells = ({ counts, total }: RoleCounts) =>
    html`${shown.map((standing) => html`<td>${counts[standing]}</td>`)}<td>${total}</td>`;
  return html`<section>
<h2>By role</h2>
<div class="wide"><table class="numbers">
<thead><tr><th scope="col">Role</th><th scope="col"><span class="unseen">Share</span></th>${shown.map((standing) => html`<th scope="col">${standing}</th>`)}<th scope="col">all</th></tr></thead>
<tbody>
${roles.map((each) => html`<tr><th scope="row">${each.role ?? "(no role)"}</th><td>${toBar(each)}</td>${toCells(each)}</tr>\n`)}</tbody>
<tfoot><tr><th scope="row">All instances</th><td>${toBar(all)}</td>${toCells(all)}</tr></tfoot>
</table></div>
${instances.some(({ roles: own }) => own.length > 1) ? html`<p class="quiet">An instance with several roles counts under each of them.</p>` : html``}
</section>`;
}

/** Renders a bar, hidden from screen readers: the same numbers are in the text. */
function toBar({ counts, total }: RoleCounts): Html {
  const parts = STANDINGS.filter((standing) => counts[standing] > 0).map((standing) => {
    const share = Math.round((counts[standing] / total) * 10_000) / 100;
    return html`<i class="${toClass(standing)}" style="flex-basis:${share}%"></i>`;
  });
  return html`<span class="bar" aria-hidden="true">${parts}</span>`;
}

/** Lists the instances; the output of a failed one is collapsed below it. */
function toInstanceTable(instances: readonly FleetInstanceReport[]): Html {
  return html`<div class="wide"><table>
<thead><tr><th scope="col">Instance</th><th scope="col">State</th><th scope="col">Why</th><th scope="col">Exit code</th><th scope="col">Roles</th><th scope="col">Platform</th><th scope="col">Started</th><th scope="col">Took</th></tr></thead>
<tbody>
${instances.map(toRows)}</tbody>
</table></div>`;
}

const COLUMNS = 8;

function toRows(instance: FleetInstanceReport): Html {
  const { instanceId, code, responseCode, roles, platform = "", startedAt, endedAt } = instance;
  const standing = standingOf(instance);
  const started = startedAt === undefined ? "" : toInstant(startedAt);
  const took = startedAt === undefined || endedAt === undefined ? "" : toLength(endedAt - startedAt);
  return html`<tr><th scope="row"><code>${instanceId}</code></th><td><span class="state ${toClass(standing)}">${standing}</span></td><td>${toWhy(code)}</td><td>${toExit(responseCode)}</td><td>${roles.join(", ")}</td><td>${platform}</td><td>${started}</td><td>${took}</td></tr>
${toDetails(instance)}`;
}

function toWhy(code: string | undefined): Html {
  if (code === undefined) return html``;
  const known = explainCode(code);
  return known === undefined ? html`<code>${code}</code>` : html`<code title="${known.meaning}">${code}</code>`;
}

/** Leaves out the output of succeeded instances: the page of a large fleet would be too big to open. */
function toDetails(instance: FleetInstanceReport): Html {
  if (!isFailing(instance)) return html``;
  const { stderrTail, stdoutTail, cut, detailedStatus, commandId, links } = instance;
  const parts = [
    ...toOutput("Error stream", stderrTail, links?.stderr),
    ...toOutput("Output", stdoutTail, links?.stdout),
    ...(detailedStatus === undefined ? [] : [html`<p>Systems Manager reported: <code>${detailedStatus}</code></p>`]),
    ...(commandId === undefined ? [] : [html`<p>Command: <code>${commandId}</code></p>`]),
  ];
  if (parts.length === 0) return html``;
  const more = cut === true ? html`<p class="quiet">The output was longer; this is a part of it.</p>` : html``;
  return html`<tr class="more"><td colspan="${COLUMNS}"><details><summary>What it said</summary>${parts}${more}</details></td></tr>
`;
}

function toOutput(name: string, text: string | undefined, link: string | undefined): readonly Html[] {
  const whole = link === undefined ? html`` : html` <span class="quiet">whole: ${toLink(link)}</span>`;
  if (text === undefined || text.trim() === "") return link === undefined ? [] : [html`<h4>${name}${whole}</h4>`];
  return [html`<h4>${name}${whole}</h4><pre>${text}</pre>`];
}

/** Renders a link for https addresses, and text for others, such as an address in S3. */
function toLink(address: string): Html {
  if (!/^https:\/\/[^\s"'<>]+$/.test(address)) return html`<code>${address}</code>`;
  return html`<a href="${address}" rel="noopener noreferrer nofollow">${address}</a>`;
}

/** Markup that was made by `html` alone. */
interface Html {
  readonly markup: string;
}

/** Renders a template: values become text, unless `html` has created them. */
function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const filled = parts.map((part, index) => part + toMarkup(values[index] ?? ""));
  return { markup: filled.join("") };
}

type HtmlValue = string | number | Html | readonly Html[];

function toMarkup(value: HtmlValue): string {
  if (typeof value === "string" || typeof value === "number") return toHtmlText(String(value));
  return "markup" in value ? value.markup : value.map(({ markup }) => markup).join("");
}

/** Escapes text for content and quoted attributes. */
function toHtmlText(text: string): string {
  return escapeHtml(toCleanText(text));
}

/** Returns the class of a standing, such as `is-not-sent`. */
function toClass(standing: string): string {
  return `is-${standing.replaceAll(" ", "-")}`;
}

/** Renders our own text; words between backticks are code. */
function toRichText(text: string): Html {
  const parts = text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
  return html`${parts}`;
}

/** The style of a report; it loads nothing, and supports phones, printers and dark mode. */
const FLEET_STYLE = html`
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --soft: #f6f8fa;
  --failed: #c4231a; --cancelled: #9a4f00; --not-sent: #8a5a00; --running: #0b5fb8; --waiting: #6e7781; --skipped: #8c959f; --succeeded: #1a7f37 }
@media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #30363d; --soft: #161b22;
  --failed: #ff7b72; --cancelled: #f0a35e; --not-sent: #e3b341; --running: #79c0ff; --waiting: #9198a1; --skipped: #6e7681; --succeeded: #56d364 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 75rem; margin: 0 auto; padding: 2rem 1rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 1rem } h1.bad { color: var(--failed) } h1.good { color: var(--succeeded) }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem } h3 { font-size: 1rem; margin: 0 0 .25rem } h4 { margin: .75rem 0 .25rem }
p { margin: .25rem 0 } .kind { color: var(--quiet); margin: 0 } .quiet, .count { color: var(--quiet) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 0 } dt { color: var(--quiet) } dd { margin: 0; overflow-wrap: anywhere }
ul.counts { list-style: none; display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; margin: 0 0 1rem }
ul.counts li { border: 1px solid currentColor; border-radius: 1rem; padding: .1rem .75rem }
ol.causes { padding-left: 1.5rem } ol.causes li { margin-bottom: 1rem }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line) }
thead th { color: var(--quiet); font-weight: 600; white-space: nowrap } tbody th { font-weight: 400 }
.numbers td:nth-child(n+3), .numbers thead th:nth-child(n+3) { text-align: right; font-variant-numeric: tabular-nums } tfoot { font-weight: 600 }
.bar { display: flex; width: 12rem; height: .75rem; margin-top: .4rem; background: var(--line); border-radius: .4rem; overflow: hidden }
.bar i { background: currentColor; min-width: 2px }
.is-failed { color: var(--failed) } .is-cancelled { color: var(--cancelled) } .is-not-sent { color: var(--not-sent) }
.is-unknown { color: var(--not-sent) } .is-running { color: var(--running) } .is-waiting { color: var(--waiting) } .is-skipped { color: var(--skipped) } .is-succeeded { color: var(--succeeded) }
.state { font-weight: 600; white-space: nowrap }
code, pre { font: 13px/1.45 ui-monospace, monospace } pre { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem; margin: .35rem 0; overflow: auto; max-height: 30rem; white-space: pre-wrap; overflow-wrap: anywhere }
tr.more td { padding: 0 0 .5rem } summary { cursor: pointer; color: var(--quiet) }
footer { border-top: 1px solid var(--line); margin-top: 3rem } a { color: inherit }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
@media print { .wide { overflow: visible } pre { max-height: none } }
`;
