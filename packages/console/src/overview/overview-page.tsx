import { useConditionCounts } from "../api/use-condition-counts.ts";
import { Loaded, Page } from "../design/page.tsx";
import { Attention } from "./attention.tsx";
import { Capacity } from "./capacity.tsx";
import { Latest } from "./latest.tsx";
import { RunningAttempts } from "./running-attempts.tsx";
import "./overview.css";

/** Renders what needs attention, what runs and what happened last. */
export function OverviewPage() {
  const counts = useConditionCounts();
  return (
    <Page title="Overview" actions={<Capacity />}>
      <Loaded query={counts} height={200}>
        {(data) => <Attention counts={data} />}
      </Loaded>
      <div className="columns">
        <RunningAttempts />
        <Latest />
      </div>
    </Page>
  );
}
