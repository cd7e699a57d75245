import type { Attempt } from "@stackyard/sdk";
import { Navigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useListPlace } from "../api/last-list.ts";
import { useLoad } from "../api/use-load.ts";
import { useSearch } from "../design/links.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { Empty, Page } from "../design/page.tsx";
import { createYardSource } from "./source.ts";
import { StackList } from "./stack-list.tsx";
import { StackView } from "./stack-view.tsx";

/** Renders one stack: what it waits for, its tasks, history, attempts and metadata. */
export function StackPage() {
  const { id = "", tab } = useSearch();
  const source = useMemo(() => createYardSource(id), [id]);
  const place = useListPlace(id);
  const attempts = useLoad(source.key("attempts"), ({ signal }) => source.loadAttempts(signal), { enabled: id !== "" });
  if (id === "") {
    return (
      <Page title="Stack">
        <Empty command="stackyard stacks ls">The address names no stack. Open one from the list.</Empty>
      </Page>
    );
  }
  // A release has a page of its own; a tab of this one is still shown, such as its history.
  if (tab === undefined && attempts.data?.some(isOfRelease)) {
    return <Navigate to={"/release" as "/"} search={{ id } as never} replace />;
  }
  // Opened by its address, a stack belongs to no list.
  if (place === undefined) return <StackView key={id} source={source} />;
  return (
    <ListDetail label="Other stacks" list={<StackList stackId={id} />}>
      <StackView key={id} source={source} />
    </ListDetail>
  );
}

const EXECUTORS: ReadonlySet<string> = new Set(["deploy", "gate"]);

function isOfRelease({ executor = "" }: Attempt): boolean {
  return EXECUTORS.has(executor);
}
