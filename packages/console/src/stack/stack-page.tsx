import { useMemo } from "react";
import { Beside } from "../design/beside.tsx";
import { useSearch } from "../design/links.tsx";
import { Empty, Page } from "../design/page.tsx";
import { ReleaseOnDemand } from "./release-on-demand.tsx";
import { createYardSource } from "./source.ts";
import { StackList } from "./stack-list.tsx";
import { StackView } from "./stack-view.tsx";

/** Renders one stack: what it waits for, its tasks, history, attempts and metadata. */
export function StackPage() {
  const { id = "" } = useSearch();
  const source = useMemo(() => ({ ...createYardSource(id), Release: ReleaseOnDemand }), [id]);
  if (id === "") {
    return (
      <Page title="Stack">
        <Empty command="stackyard stacks ls">The address names no stack. Open one from the list.</Empty>
      </Page>
    );
  }
  return (
    <Beside label="Other stacks" list={<StackList stackId={id} />}>
      <StackView key={id} source={source} />
    </Beside>
  );
}
