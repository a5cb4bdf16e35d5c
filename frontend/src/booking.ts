import { workingButtons } from "./forms";

workingButtons(document);
