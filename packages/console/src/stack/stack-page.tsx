import { useMemo } from "react";
import { useSearch } from "../design/links.tsx";
import { Empty, Page } from "../design/page.tsx";
import { createYardSource } from "./source.ts";
import { StackView } from "./stack-view.tsx";

/** One stack: what it waits for, its tasks, history, attempts and metadata. */
export function StackPage() {
  const { id = "" } = useSearch();
  const source = useMemo(() => createYardSource(id), [id]);
  if (id === "") {
    return (
      <Page title="Stack">
        <Empty command="stackyard stacks ls">The address names no stack. Open one from the list.</Empty>
      </Page>
    );
  }
  return <StackView key={id} source={source} />;
}
