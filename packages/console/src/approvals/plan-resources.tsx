import type { PlannedResource, ReportedPlan } from "../design/approval/find-plan.ts";
import { Text } from "../design/text.tsx";

/** Renders what a plan does to each resource, what is lost first, with what each costs more or less a month. */
export function PlanResources({ plan: { resources, missing } }: { readonly plan: ReportedPlan }) {
  if (resources.length === 0) return null;
  const isPriced = resources.some(({ difference }) => difference !== undefined);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="table-scroll plan-scroll" tabIndex={0} aria-label="Resources of the plan">
      <table className="table plan-resources">
        <thead>
          <tr>
            <th scope="col">Change</th>
            <th scope="col">Resource</th>
            {isPriced && (
              <th scope="col" className="number">
                USD/month
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {resources.map((resource) => (
            <Row key={`${resource.word} ${resource.address}`} resource={resource} isPriced={isPriced} />
          ))}
        </tbody>
      </table>
      {missing > 0 && (
        <p className="panel-body muted">{missing.toLocaleString("en")} more are in the log of the plan.</p>
      )}
    </section>
  );
}

function Row({ resource, isPriced }: { readonly resource: PlannedResource; readonly isPriced: boolean }) {
  const { sign, word, isLoss, address, difference } = resource;
  return (
    <tr>
      <td className={isLoss ? "tone-fail mono nowrap" : "mono nowrap"}>
        <span aria-hidden="true">{sign}</span> <span className="plan-word">{word}</span>
      </td>
      <th scope="row" className="mono wrap">
        <Text>{address}</Text>
      </th>
      {isPriced && <td className="number nowrap">{formatDifference(difference)}</td>}
    </tr>
  );
}

/** Both directions have a sign, so that neither is read as the other. */
function formatDifference(difference: number | undefined): string {
  if (difference === undefined) return "no price";
  return `${difference > 0 ? "+" : difference < 0 ? "−" : ""}${Math.abs(difference).toFixed(2)}`;
}
