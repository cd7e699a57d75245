import { expect, it } from "vitest";
import { renderPage } from "../testing/render-page.tsx";
import { ValueChange } from "./value-change.tsx";

const SHA = "0129e4731af420129e4731af42e4731af420129e";

function Changes() {
  return (
    <dl>
      <ValueChange what="sha" before="main" now={SHA} />
    </dl>
  );
}

it("shows the begin of a commit, the whole of it as its title, and other values as they are", async () => {
  const { screen } = await renderPage(Changes, "/", {});

  await expect.element(screen.getByText("0129e4731af4", { exact: true })).toBeVisible();
  await expect.element(screen.getByTitle(SHA)).toBeVisible();
  await expect.element(screen.getByText("main", { exact: true })).toBeVisible();
});
