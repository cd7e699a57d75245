import { useEffect } from "react";
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
