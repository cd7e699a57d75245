import { mount } from "../design/mount.tsx";
import { StandaloneEditor } from "./standalone.tsx";
import "../design/base.css";

// The editor without a yard: served by `stackyard edit`, or by any static host.
mount(<StandaloneEditor />);
