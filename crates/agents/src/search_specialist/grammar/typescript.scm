(abstract_class_declaration name: (_) @name) @symbol.class
(public_field_definition name: (_) @name) @symbol.field
(interface_declaration name: (_) @name) @symbol.interface
(property_signature name: (_) @name) @symbol.field
(method_signature name: (_) @name) @symbol.method
(abstract_method_signature name: (_) @name) @symbol.method
(function_signature name: (_) @name) @symbol.function
(type_alias_declaration name: (_) @name) @symbol.type
(enum_declaration name: (_) @name) @symbol.enum
(enum_body (property_identifier) @name @symbol.variant)
(enum_assignment name: (_) @name) @symbol.variant
(internal_module name: (_) @name) @symbol.module
(module name: (_) @name) @symbol.module
(required_parameter pattern: (_) @bind.parameter)
(optional_parameter pattern: (_) @bind.parameter)
(type_parameter name: (_) @bind.parameter)
