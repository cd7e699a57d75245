import { explainCode } from "./explain-code.ts";
import { explainSaid } from "./explain-said.ts";
import type { FailureCause } from "./group-failures.ts";
import { type Html, html, toRichText } from "./html-text.ts";
import type { FleetReport } from "./to-fleet-report.ts";

/** Why instances failed, what that means, and what to do: what a reader of a bad report looks for first. */
export function toCauseSection({ causes, runId, endedAt }: FleetReport): Html {
  if (causes.length === 0) return html``;
  return html`<section>
<h2>Why they failed</h2>
<ol class="causes">
${causes.map(toCauseItem)}
</ol>
${endedAt === undefined ? html`` : html`<p>To run it again on exactly these instances: <code>stackyard fleet retry ${runId}</code></p>`}
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
