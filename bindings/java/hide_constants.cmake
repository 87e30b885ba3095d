# SWIG makes its interface of constants public and has no switch for that. Only the package needs it.
file(READ ${FILE} text)
string(REPLACE "public interface " "interface " text "${text}")
file(WRITE ${FILE} "${text}")
