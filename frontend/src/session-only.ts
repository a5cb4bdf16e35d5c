// A page outside the desk's frame on which somebody is signed in: setting up.
import { startSession } from "./session";

startSession();
