import { expect, it } from "vitest";
import { renderPage } from "../testing/render-page.tsx";
import { ValueChange } from "./value-change.tsx";

it("shows the begin of a commit, the whole of it as its title, and other values as they are", async () => {
  const sha = "0129e4731af420129e4731af42e4731af420129e";
  const Changes = () => (
    <dl>
      <ValueChange what="sha" before="main" now={sha} />
    </dl>
  );
  const { screen } = await renderPage(Changes, "/", {});

  await expect.element(screen.getByText("0129e4731af4", { exact: true })).toBeVisible();
  await expect.element(screen.getByTitle(sha)).toBeVisible();
  await expect.element(screen.getByText("main", { exact: true })).toBeVisible();
});
