import { expect, it, onTestFinished } from "vitest";
import { render } from "vitest-browser-react";
import { GraphCanvas } from "./graph-canvas.tsx";
import "./editor.css";

const none = () => {};

it("draws its arrows also when the browser does not measure the states", async () => {
  const { ResizeObserver } = globalThis;
  onTestFinished(() => {
    globalThis.ResizeObserver = ResizeObserver;
  });
  // A change of the states while they are measured is answered by no other measurement.
  globalThis.ResizeObserver = class {
    observe = none;
    unobserve = none;
    disconnect = none;
  };

  await render(
    <div style={{ width: 600, height: 300, display: "flex" }}>
      <GraphCanvas
        graph={{
          nodes: [
            { kind: "state", id: "INIT" },
            { kind: "state", id: "LIVE" },
          ],
          edges: [{ from: "INIT", to: "LIVE", event: "OPENED", passing: false }],
        }}
        turned={undefined}
        onDirection={none}
        dimmed={false}
        selected={undefined}
        marks={new Map()}
        moved={new Map()}
        onMove={none}
        onSelect={none}
        onSelectEdge={none}
        onKey={none}
      />
    </div>,
  );

  await expect.poll(() => document.querySelectorAll(".react-flow__edge").length).toBe(1);
});
