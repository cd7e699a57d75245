import { expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { renderPage } from "../testing/render-page.tsx";
import { FilterChoice, Filters, FilterText, FilterTime, MoreFilters } from "./filters.tsx";
import "./base.css";

function Page() {
  return (
    <main>
      <h1>Page</h1>
      <Filters>
        <FilterChoice name="state" label="State" options={["running", "failed"]} />
        <FilterText name="who" label="Who" isExact />
        <FilterTime name="since" label="Since" />
        <MoreFilters filters={[{ name: "task", label: "Failed task" }]} />
      </Filters>
    </main>
  );
}

// WordPress/gutenberg#64697, stevekinney/cinder#518: the focus fell to the page when its filter was dropped.
it.each(["State", "Who", "Since", "Failed task"])("drops the filter %s, and keeps the focus at it", async (label) => {
  const address = "/?state=failed&who=ada&since=2026-01-01T00:00:00.000Z&task=app";
  const { screen, address: now } = await renderPage(Page, address, {});
  const drop = screen.getByRole("button", { name: `Drop the filter ${label}` });
  await expect.element(drop).toBeVisible();

  (drop.element() as HTMLElement).focus();
  await userEvent.keyboard("{Enter}");

  await expect.element(drop).not.toBeInTheDocument();
  await expect.element(screen.getByLabelText(new RegExp(`^${label}`))).toHaveFocus();
  expect(now().split("&")).toHaveLength(3);
});

it("adds a filter, and is ready for its value", async () => {
  const { screen, address } = await renderPage(Page, "/", {});
  await screen.getByRole("button", { name: "Add a filter" }).click();
  await screen.getByRole("button", { name: "Failed task" }).click();
  await expect.element(screen.getByLabelText("Failed task")).toHaveFocus();
  await userEvent.keyboard("app");

  await expect.poll(address).toBe("/?task=app");
});
