import type { FleetInstanceReport } from "../fleet-report.ts";
import { explainCode } from "./explain-code.ts";
import { type Html, html, toClass } from "./html-text.ts";
import { toInstant, toLength } from "./tell-run.ts";
import { isFailing, standingOf } from "./to-fleet-report.ts";

/** Instances in their order; what a failing one has said stands under it, folded. */
export function toInstanceTable(instances: readonly FleetInstanceReport[]): Html {
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
  const exit = responseCode === undefined || responseCode === -1 ? "" : String(responseCode);
  const started = startedAt === undefined ? "" : toInstant(startedAt);
  const took = startedAt === undefined || endedAt === undefined ? "" : toLength(endedAt - startedAt);
  return html`<tr><th scope="row"><code>${instanceId}</code></th><td><span class="state ${toClass(standing)}">${standing}</span></td><td>${toWhy(code)}</td><td>${exit}</td><td>${roles.join(", ")}</td><td>${platform}</td><td>${started}</td><td>${took}</td></tr>
${toDetails(instance)}`;
}

function toWhy(code: string | undefined): Html {
  if (code === undefined) return html``;
  const known = explainCode(code);
  return known === undefined ? html`<code>${code}</code>` : html`<code title="${known.meaning}">${code}</code>`;
}

/** Of instances that did as they were told the output is left out: a page of a large fleet could not be opened. */
function toDetails(instance: FleetInstanceReport): Html {
  if (!isFailing(instance)) return html``;
  const { stderrTail, stdoutTail, cut, detailedStatus, commandId, links } = instance;
  const parts = [
    ...toOutput("Error stream", stderrTail, links?.stderr),
    ...toOutput("Output", stdoutTail, links?.stdout),
    ...(detailedStatus === undefined ? [] : [html`<p>Systems Manager says: <code>${detailedStatus}</code></p>`]),
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

/** Only what leads to a page over https is a link; anything else, such as an address in S3, is text. */
function toLink(address: string): Html {
  if (!/^https:\/\/[^\s"'<>]+$/.test(address)) return html`<code>${address}</code>`;
  return html`<a href="${address}" rel="noopener noreferrer nofollow">${address}</a>`;
}
