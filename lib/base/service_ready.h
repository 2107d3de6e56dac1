// Tells the service manager which started this process that it is ready, so that one who asks for
// the start is answered when others can connect: "READY=1", as sd_notify(3) defines it (systemd's
// Type=notify).
#pragma once

namespace paystats::base {

// To the socket that NOTIFY_SOCKET names. Does nothing where there is no such variable, and says
// nothing where nobody listens there. More than once is once.
void tell_service_ready();

}  // namespace paystats::base
