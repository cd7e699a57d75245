import { toShellCommand } from "@stackyard/core";
import { To, useSearch } from "../design/links.tsx";
import { Empty, Page } from "../design/page.tsx";
import { PlanPanel } from "../design/release/plan-panel.tsx";

/** Renders a plan of a release: what it would do with each stack. */
export function PlanPage() {
  const { stack = "", plan = "" } = useSearch();
  return (
    <Page
      title={`Plan of ${stack}`}
      actions={
        stack !== "" && (
          <To path="/release" search={{ id: stack }} className="button">
            Open the release
          </To>
        )
      }
    >
      {stack === "" || plan === "" ? (
        <Empty command="stackyard deploys plan RELEASE TASK">The address names no plan. Open one from a release.</Empty>
      ) : (
        <PlanPanel
          release={stack}
          plan={plan}
          absent={
            <Empty command={toShellCommand`stackyard deploys plan ${stack} ${plan}`}>
              The release has no such plan, or it is older than 90 days.
            </Empty>
          }
        />
      )}
    </Page>
  );
}
