import { expect, it } from "vitest";
import { render } from "vitest-browser-react";
import "./base.css";
import { Table } from "./table.tsx";

const ROWS = Array.from({ length: 300 }, (_, index) => `pr-${index}`);
const COLUMNS = [{ header: "Stack", cell: (id: string) => id }];

it("lays out all rows of a table on paper, and only those in view afterwards (openobserve#14042, twenty#22283)", async () => {
  const ranges: number[] = [];
  const onRange = (_: number, last: number) => void ranges.push(last);
  const table = { label: "Stacks", columns: COLUMNS, rows: ROWS, keyOf: (id: string) => id, onRange };
  const screen = await render(<Table {...table} height={400} />);
  const count = () => screen.container.querySelectorAll("tr[data-row]").length;
  expect(count()).toBeLessThan(100);

  dispatchEvent(new Event("beforeprint"));

  // The browser lays out the paper after this event, before any timer.
  await Promise.resolve();
  expect(count()).toBe(300);
  // Rows in view are loaded. Paper shows what is there.
  expect(Math.max(...ranges)).toBeLessThan(100);
  dispatchEvent(new Event("afterprint"));
  await expect.poll(count).toBeLessThan(100);
});
