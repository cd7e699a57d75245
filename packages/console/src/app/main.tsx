import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { queryClient } from "../api/client.ts";
import { LiveProvider } from "../api/use-live.tsx";
import { mount } from "../design/mount.tsx";
import { router } from "./router.tsx";
import "../design/base.css";
import "./shell.css";
import "./print.css";

mount(
  <QueryClientProvider client={queryClient}>
    <LiveProvider>
      <RouterProvider router={router} />
    </LiveProvider>
  </QueryClientProvider>,
);
