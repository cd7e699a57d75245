import { useEffect, useState } from "react";
import { expect, it } from "vitest";
import { renderPage } from "../testing/render-page.tsx";
import { usePageWindows, type WindowedList } from "./use-page-windows.ts";

const PAGES: Readonly<Record<string, { readonly items: readonly string[]; readonly cursor?: string }>> = {
  "": { items: Array.from({ length: 100 }, (_, index) => `row ${index}`), cursor: "next" },
  next: { items: ["row 100"] },
};

/** Is scrolled to its end as soon as there are rows. */
function Rows({ rows, onRange }: Pick<WindowedList<string>, "rows" | "onRange">) {
  const isThere = rows !== undefined;
  useEffect(() => (isThere ? onRange(88, 111) : undefined), [isThere, onRange]);
  return <p>{rows?.at(-1)}</p>;
}

function List() {
  const { rows, onRange } = usePageWindows(["windows"], async ({ cursor = "" }) => PAGES[cursor] ?? { items: [] });
  return (
    <main>
      <h1>A list</h1>
      <Rows rows={rows} onRange={onRange} />
    </main>
  );
}

it("loads the page that came into view while the one before it arrived (react-cool-virtual#552)", async () => {
  const { screen } = await renderPage(List, "/", {});

  await expect.element(screen.getByText("row 100")).toBeVisible();
});

function Filtered() {
  const [filter, setFilter] = useState("all");
  const { rows, isOutdated, onRange } = usePageWindows(["filtered", filter], async ({ cursor = "" }) =>
    filter === "all" ? (PAGES[cursor] ?? { items: [] }) : { items: ["only row"] },
  );
  return (
    <main>
      <h1>A list</h1>
      <button type="button" className="button" onClick={() => setFilter("few")}>
        Filter
      </button>
      {isOutdated && <p>outdated</p>}
      <Later rows={rows} onRange={onRange} />
    </main>
  );
}

/** Is scrolled to its second page, and says so whenever it is asked: the rows before stay until those of the filter are there. */
function Later({ rows, onRange }: Pick<WindowedList<string>, "rows" | "onRange">) {
  const count = rows?.length ?? 0;
  useEffect(() => {
    if (count > 0) onRange(Math.max(0, count - 1), count - 1);
  }, [count, onRange]);
  return <p>{rows?.at(-1)}</p>;
}

it("shows the rows of a filter that is entered while a later page is in view (langfuse#3121)", async () => {
  const { screen } = await renderPage(Filtered, "/", {});
  await expect.element(screen.getByText("row 100")).toBeVisible();

  await screen.getByRole("button", { name: "Filter" }).click();

  await expect.element(screen.getByText("only row")).toBeVisible();
  await expect.element(screen.getByText("outdated")).not.toBeInTheDocument();
});
