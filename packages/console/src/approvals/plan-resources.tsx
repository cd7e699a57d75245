import type { PlannedResource, ReportedPlan } from "../design/approval/find-plan.ts";
import { Text } from "../design/text.tsx";
import { useMedia } from "../design/use-media.ts";

/** Where the cost is: nowhere without prices, and on a phone, which would cut a third column, below its resource. */
type CostPlace = "none" | "column" | "below";

/** Renders what a plan does to each resource, what is lost first, with what each costs more or less a month. */
export function PlanResources({ plan: { resources, missing } }: { readonly plan: ReportedPlan }) {
  const isPhone = useMedia("(max-width: 719px)");
  if (resources.length === 0) return null;
  const isPriced = resources.some(({ difference }) => difference !== undefined);
  const cost: CostPlace = !isPriced ? "none" : isPhone ? "below" : "column";
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the area is scrolled with the keyboard
    <section className="table-scroll plan-scroll" tabIndex={0} aria-label="Resources of the plan">
      <table className="table plan-resources">
        <thead>
          <tr>
            <th scope="col">Change</th>
            <th scope="col">Resource</th>
            {cost === "column" && (
              <th scope="col" className="number">
                USD/month
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {resources.map((resource) => (
            <Row key={`${resource.word} ${resource.address}`} resource={resource} cost={cost} />
          ))}
        </tbody>
      </table>
      {missing > 0 && (
        <p className="panel-body muted">{missing.toLocaleString("en")} more are in the log of the plan.</p>
      )}
    </section>
  );
}

function Row({ resource, cost }: { readonly resource: PlannedResource; readonly cost: CostPlace }) {
  const { sign, word, isLoss, address, difference } = resource;
  return (
    <tr>
      <td className={isLoss ? "tone-fail mono nowrap" : "mono nowrap"}>
        <span aria-hidden="true">{sign}</span> {word}
      </td>
      <th scope="row" className="mono wrap">
        <Text>{address}</Text>
        {cost === "below" && <span className="plan-cost">{formatCost(difference)}</span>}
      </th>
      {cost === "column" && <td className="number nowrap">{formatDifference(difference)}</td>}
    </tr>
  );
}

/** Names the unit that the head of the column has. */
function formatCost(difference: number | undefined): string {
  return difference === undefined ? NO_PRICE : `${formatDifference(difference)} USD/month`;
}

const NO_PRICE = "no price";

/** Both directions have a sign, so that neither is read as the other. */
function formatDifference(difference: number | undefined): string {
  if (difference === undefined) return NO_PRICE;
  return `${difference > 0 ? "+" : difference < 0 ? "−" : ""}${Math.abs(difference).toFixed(2)}`;
}
