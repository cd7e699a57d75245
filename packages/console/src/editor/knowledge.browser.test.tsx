import { beforeEach, expect, it, onTestFinished } from "vitest";
import { MACHINE, openMachineFields, openWorkbench } from "./testing/open-workbench.tsx";

beforeEach(() => localStorage.clear());

const workers: Worker[] = [];

/** Replaces the workers that are started from now on. */
function startWorkersAs(start: (url: string | URL, options?: WorkerOptions) => Worker): void {
  const { Worker: Real } = globalThis;
  onTestFinished(() => {
    globalThis.Worker = Real;
  });
  globalThis.Worker = new Proxy(Real, { construct: (_, [url, options]) => start(url, options) });
}

// The worker of a page is started once, so this is the first test of its file. Another try begins without a worker, too.
it("says why machines cannot be read, and reads them when it is asked to try again", async () => {
  const { Worker: Real } = globalThis;
  for (const worker of workers.splice(0)) worker.dispatchEvent(new Event("error"));
  let isBroken = true;
  startWorkersAs((url, options) => {
    const worker = new Real(url, options);
    workers.push(worker);
    if (isBroken) setTimeout(() => worker.dispatchEvent(new Event("error")), 50);
    return worker;
  });
  const { screen } = await openWorkbench(MACHINE);

  const failures = screen.getByText("The worker that reads machines could not be started.");
  await expect.element(failures.first()).toBeVisible();
  await expect.element(screen.getByText("Valid")).not.toBeInTheDocument();
  await expect.element(screen.getByText(/drawn as soon as/)).not.toBeInTheDocument();
  isBroken = false;
  for (const retry of screen.getByRole("button", { name: "Retry" }).elements()) {
    if (retry instanceof HTMLElement) retry.click();
  }

  await expect.element(screen.getByTestId("rf__node-LIVE")).toBeVisible();
  await expect.element(screen.getByText("Valid")).toBeVisible();
  await openMachineFields(screen);
  await expect.element(screen.getByRole("heading", { name: "Machine" })).toBeVisible();
});
