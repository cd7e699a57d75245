import { type Html, html, toClass } from "./html-text.ts";
import { type FleetReport, type RoleCounts, STANDINGS } from "./to-fleet-report.ts";

/** How many instances of each role stand where, as a table with a bar for each role. */
export function toRoleSection({ roles, standings, instances }: FleetReport): Html {
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

/** The numbers stand beside it, so it is for eyes alone. */
function toBar({ counts, total }: RoleCounts): Html {
  const parts = STANDINGS.filter((standing) => counts[standing] > 0).map((standing) => {
    const share = Math.round((counts[standing] / total) * 10_000) / 100;
    return html`<i class="${toClass(standing)}" style="flex-basis:${share}%"></i>`;
  });
  return html`<span class="bar" aria-hidden="true">${parts}</span>`;
}
